"""npm packages of peers: pinned by version and by SHA-512, fetched when asked for, kept in build/peers/.

They are no dependencies of this project: nothing of them is installed, no script of theirs is run.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chainpoints.chain.compiler import Artifact, project_root
from chainpoints.errors import ChainpointsError

_SECONDS = 120.0
_NO_WAITING = ("--fetch-retries=0", "--fetch-timeout=20000", "--ignore-scripts", "--silent")


class PackageUnavailable(ChainpointsError):
    """A package could not be had; the peer keeps the figures that were measured before."""


@dataclass(frozen=True, slots=True)
class Package:
    """`sha512` as npm writes it, base64 and without the algorithm's name."""

    name: str
    version: str
    sha512: str

    @property
    def file_name(self) -> str:
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


class _Code(msgspec.Struct, rename="camel"):
    object: str
    link_references: dict[str, dict[str, list[dict[str, int]]]] = {}


class _Published(msgspec.Struct):
    """What is read of an artifact as forge writes it."""

    abi: list[dict[str, Any]]
    bytecode: _Code


def fetch(package: Package, folder: Path | None = None) -> Path:
    """The folder of the unpacked package. Raises PackageUnavailable when it cannot be had or is not what was pinned."""
    folder = folder or project_root() / "build" / "peers"
    archive = folder / package.file_name
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _download(package, folder)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.sha512:
        archive.unlink()
        raise PackageUnavailable(f"{package.name} {package.version} is not the file that was pinned: SHA-512 {digest}")
    unpacked = folder / archive.stem
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    return unpacked / "package"


def published_artifact(file: Path, libraries: Mapping[str, str] | None = None) -> Artifact:
    """A contract's artifact as its authors published it, linked to the addresses of its libraries."""
    published = msgspec.json.decode(file.read_bytes(), type=_Published)
    code = published.bytecode.object.removeprefix("0x")
    for of_file in published.bytecode.link_references.values():
        for library, places in of_file.items():
            address = (libraries or {})[library].removeprefix("0x")
            for place in places:
                code = code[: 2 * place["start"]] + address + code[2 * (place["start"] + place["length"]) :]
    return artifact(file.stem, published.abi, code)


def artifact(name: str, abi: list[dict[str, Any]], bytecode: str) -> Artifact:
    """What calls and creations need of an artifact."""
    return Artifact(
        name=name,
        source="",
        abi=abi,
        bytecode=bytecode,
        deployed_bytecode="",
        immutable_references={},
        userdoc={},
        devdoc={},
        storage_layout={},
        input_sha256="",
    )


def _download(package: Package, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise PackageUnavailable(f"{package.name} {package.version} cannot be fetched: npm is not in PATH")
    command = [npm, "pack", f"{package.name}@{package.version}", "--pack-destination", str(folder), *_NO_WAITING]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, timeout=_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        raise PackageUnavailable(
            f"{package.name} {package.version} cannot be fetched: `npm pack` failed; is the npm registry reachable?"
        ) from None
