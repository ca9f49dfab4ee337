"""Where an unfinished deployment began: written down before its first transaction, forgotten with its last."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chainpoints.chain.manifest import write_whole
from chainpoints.errors import DeploymentError
from chainpoints.types import Address


class Beginning(msgspec.Struct):
    """`blocks` says in which blocks contracts were created, as far as known; `plan` is the plan's digest."""

    deployer: Address
    first_nonce: int
    first_block: int
    plan: str
    blocks: dict[str, int] = {}

    def check(self, path: Path, deployer: Address, plan: str) -> None:
        """Raises DeploymentError when it is not for this deployer and this plan to go on."""
        if self.deployer != deployer:
            raise DeploymentError(
                f"{path} is of a deployment that {self.deployer} began, and this is {deployer}: nothing was sent; use "
                "that key, or delete the file to deploy anew"
            )
        if self.plan != plan:
            raise DeploymentError(
                f"{path} is of a deployment with other accounts, delays or programs: nothing was sent; finish it with "
                "those, or delete the file to deploy anew at other addresses"
            )


def pending_file(manifest_path: Path) -> Path:
    """Where the beginning is kept."""
    return manifest_path.with_suffix(".pending.json")


def load_beginning(path: Path) -> Beginning | None:
    """None when no deployment is unfinished. Raises DeploymentError for a file that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Beginning)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DeploymentError(
            f"{path}, the beginning of an unfinished deployment, cannot be read ({error}): nothing was sent; restore "
            "it, or delete it to deploy anew at other addresses"
        ) from None


def save_beginning(path: Path, beginning: Beginning) -> None:
    write_whole(path, msgspec.json.encode(beginning, order="sorted") + b"\n")
