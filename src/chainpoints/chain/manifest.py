"""What a deployment left on a chain: addresses, code hashes, roles and programs, as `deployments/<chain id>.json`.

The file depends on nothing but the plan, the contracts and the chain: two executors of one plan write the same bytes.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from chainpoints.errors import ConfigError
from chainpoints.types import Address, Hash32


class DeployedContract(msgspec.Struct, frozen=True):
    """`code_hash` is the keccak256 of the runtime code on chain, `block` the one that the contract was created in."""

    address: Address
    code_hash: Hash32
    block: int


class CompilerSettings(msgspec.Struct, frozen=True):
    version: str
    optimizer_runs: int
    via_ir: bool
    evm_version: str


class DeployedRole(msgspec.Struct, frozen=True):
    """A role of the AccessManager as it was handed over."""

    id: int
    functions: dict[str, list[str]]
    """Contract name to the signatures of the functions that need this role."""
    members: dict[Address, int]
    """Account to its execution delay in seconds."""


class DeployedProgram(msgspec.Struct, frozen=True):
    name: str
    terms_file: str
    terms_hash: Hash32


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain_id: int
    first_block: int
    """The first block that can hold anything of this deployment: indexing begins here."""
    deployer: Address
    first_nonce: int
    """The deployer's nonce that created the first contract; all addresses follow from it."""
    contracts: dict[str, DeployedContract]
    compiler: CompilerSettings
    roles: dict[str, DeployedRole]
    programs: list[int]
    """Ids of the programs that the deployment opened."""
    terms: dict[str, DeployedProgram]
    """Program id, as text, to what its readers were promised."""

    def address(self, contract: str) -> Address:
        """The address of a contract. Raises ConfigError when the deployment has none of that name."""
        if contract not in self.contracts:
            raise ConfigError(
                f"the deployment on chain {self.chain_id} has no {contract}, only {', '.join(self.contracts)}; "
                "another version made it: deploy this one"
            )
        return self.contracts[contract].address


def load_manifest(path: Path) -> Manifest:
    """The manifest at `path`. Raises ConfigError when there is none, or it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise ConfigError(f"there is no deployment manifest {path}; run `chainpoints deploy`") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(
            f"the deployment manifest {path} cannot be read ({error}); restore the file, or move it away and run "
            "`chainpoints deploy`"
        ) from None


def save_manifest(path: Path, manifest: Manifest) -> None:
    """Writes the manifest as sorted, indented JSON, whole or not at all."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n")


def sources_file(manifest_path: Path) -> Path:
    """Where the compiler's standard JSON input of a deployment is kept."""
    return manifest_path.with_suffix(".sources.json")


def write_whole(path: Path, content: bytes) -> None:
    """Replaces a file in one step, on disk before this returns: after a crash there is the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
