"""Compiles contracts/ with one pinned solc, through py-solc-x, and keeps the result in build/chainpoints/.

The compiler is the native solc where py-solc-x can install it, else the npm package `solc` behind scripts/solc-js; both
stand as .chainpoints/solcx/solc-v<version>, which Brownie (SOLCX_BINARY_PATH) and forge (foundry.toml) use as well.
The settings are those of brownie-config.yaml and foundry.toml, with the metadata hash left at solc's default, because
Brownie cannot be told otherwise: so all of them give the same bytecode, and Sourcify can match it to the sources.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import solcx
import solcx.install
import urllib3
from solcx.wrapper import get_version_str_from_solc_binary

from chainpoints.errors import CompilerError

SOLC_VERSION = "0.8.37"
SOLC_LONG_VERSION = "0.8.37+commit.f401782d"
REMAPPINGS = {"@openzeppelin/": "node_modules/@openzeppelin/", "solady/": "node_modules/solady/src/"}
SETTINGS: dict[str, Any] = {
    "optimizer": {"enabled": True, "runs": 1000},
    "viaIR": True,
    "evmVersion": "cancun",
    "remappings": [f"{prefix}={target}" for prefix, target in REMAPPINGS.items()],
}
PACKAGED = ("node_modules/@openzeppelin/contracts/access/manager/AccessManager.sol",)
"""What is deployed just as its package has it."""
OUTPUTS = ["abi", "userdoc", "devdoc", "storageLayout", "evm.bytecode.object"]
OUTPUTS += ["evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"]

# A machine without network must not wait: three seconds to reach the download server, two minutes for the 15 MB.
REACH_SECONDS, DOWNLOAD_SECONDS = 3.0, 120.0

_IMPORT = re.compile(r"""^\s*import\b[^;"']*["']([^"']+)["']""", re.MULTILINE)


class Artifact(msgspec.Struct, frozen=True):
    """One compiled contract. Bytecodes are hex without 0x, empty for an interface."""

    name: str
    source: str
    abi: list[dict[str, Any]]
    bytecode: str
    deployed_bytecode: str
    immutable_references: dict[str, list[dict[str, int]]]
    userdoc: dict[str, Any]
    devdoc: dict[str, Any]
    storage_layout: dict[str, Any]
    input_sha256: str
    """Of the standard JSON input (sources and settings) that this came from."""


def project_root() -> Path:
    return Path(__file__).resolve().parents[3]


def load_artifacts(root: Path | None = None) -> dict[str, Artifact]:
    """Every contract under contracts/ by its name; compiles only when a source, a setting or solc has changed."""
    root = root or project_root()
    standard_input = standard_json(root)
    cache = _cache_file(root, standard_input)
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, Artifact])
    except (FileNotFoundError, msgspec.MsgspecError):
        return compile_contracts(root)


def compile_contracts(root: Path | None = None) -> dict[str, Artifact]:
    """Compiles every .sol under contracts/ and writes the cache. Raises CompilerError with solc's own words."""
    root = root or project_root()
    standard_input = standard_json(root)
    try:
        output = solcx.compile_standard(standard_input, solc_binary=solc_executable(root))
    except solcx.exceptions.SolcError as error:
        raise CompilerError(f"solc {SOLC_VERSION} refused the contracts:\n{error.message}") from error
    artifacts = _artifacts(output, _digest(standard_input))
    _write_whole(_cache_file(root, standard_input), msgspec.json.encode(artifacts))
    return artifacts


def standard_json(root: Path | None = None) -> dict[str, Any]:
    """The whole input for solc: our sources, every file they import, and the settings."""
    root = root or project_root()
    own = sorted(path.relative_to(root).as_posix() for path in (root / "contracts").rglob("*.sol"))
    if not own:
        raise CompilerError(f"there is no Solidity file under {root / 'contracts'}")
    sources: dict[str, dict[str, str]] = {}
    compiled = own + [name for name in PACKAGED if (root / name).is_file()]
    waiting = list(compiled)
    while waiting:
        name = waiting.pop()
        if name not in sources and (root / name).is_file():
            content = (root / name).read_text(encoding="utf-8")
            sources[name] = {"content": content}
            waiting += [_resolve(name, target) for target in _IMPORT.findall(content)]
    return {
        "language": "Solidity",
        "sources": dict(sorted(sources.items())),
        "settings": SETTINGS | {"outputSelection": {name: {"*": OUTPUTS} for name in compiled}},
    }


def sources_of(artifacts: dict[str, Artifact], root: Path | None = None) -> bytes:
    """The standard JSON input that the artifacts came from, with which anybody's solc gives the same bytecode, to the
    metadata hash: so Sourcify and explorers take it as it is. Raises CompilerError when contracts/ has changed."""
    standard_input = standard_json(root)
    if {artifact.input_sha256 for artifact in artifacts.values()} != {_digest(standard_input)}:
        raise CompilerError("contracts/ has changed since it was compiled; run the same command again")
    return json.dumps(standard_input, indent=1, sort_keys=True).encode() + b"\n"


def solc_executable(root: Path | None = None) -> Path:
    """The pinned solc of this project; the first call installs it, natively if it can, else around npm's `solc`."""
    root = root or project_root()
    folder = root / ".chainpoints" / "solcx"
    executable = folder / f"solc-v{SOLC_VERSION}"
    if _works(executable):
        return executable
    executable.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if _install_native(folder) and _works(executable):
        return executable
    return install_for_brownie(root)


def install_for_brownie(root: Path | None = None) -> Path:
    """Puts scripts/solc-js where py-solc-x, hence Brownie, looks for the pinned solc, and returns that path."""
    root = root or project_root()
    wrapper = root / "scripts" / "solc-js"
    if not _works(wrapper):
        raise CompilerError(
            f"no solc {SOLC_VERSION}: the native one cannot be installed here and {wrapper} does not answer with "
            f"{SOLC_LONG_VERSION}. Run `npm ci` in {root} and see that `node` works."
        )
    executable = root / ".chainpoints" / "solcx" / f"solc-v{SOLC_VERSION}"
    executable.parent.mkdir(parents=True, exist_ok=True)
    link = executable.with_name(f".{executable.name}.{os.getpid()}")
    link.symlink_to(os.path.relpath(wrapper, executable.parent))
    link.replace(executable)
    return executable


def _works(executable: Path) -> bool:
    try:
        return get_version_str_from_solc_binary(executable) == SOLC_LONG_VERSION
    except (OSError, subprocess.SubprocessError, solcx.exceptions.SolcError):
        return False


def _install_native(folder: Path) -> bool:
    """py-solc-x downloads without a time limit, so it runs in a process of its own that has one."""
    try:
        list_of_binaries = solcx.install.BINARY_DOWNLOAD_BASE.format("linux", "list.json")
        urllib3.request("HEAD", list_of_binaries, timeout=REACH_SECONDS, retries=False)
        command = [sys.executable, "-m", "solcx.install", SOLC_VERSION, "--solcx-binary-path", str(folder)]
        environment = os.environ | {"SOLCX_BINARY_PATH": str(folder)}
        done = subprocess.run(command, env=environment, capture_output=True, timeout=DOWNLOAD_SECONDS, check=False)
    except (urllib3.exceptions.HTTPError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _resolve(importer: str, target: str) -> str:
    """The source unit name that solc gives to `import "target"` written in `importer`."""
    if target.startswith("."):
        parts: list[str] = list(PurePosixPath(importer).parent.parts)
        for part in PurePosixPath(target).parts:
            if part == "..":
                parts.pop()
            else:
                parts.append(part)
        return "/".join(parts)
    prefix = next((prefix for prefix in REMAPPINGS if target.startswith(prefix)), "")
    return REMAPPINGS[prefix] + target.removeprefix(prefix) if prefix else target


def _artifacts(output: dict[str, Any], input_sha256: str) -> dict[str, Artifact]:
    artifacts: dict[str, Artifact] = {}
    for source, contracts in output["contracts"].items():
        for name, compiled in contracts.items():
            if name in artifacts:
                raise CompilerError(f"two contracts are called {name}: in {artifacts[name].source} and in {source}")
            deployed = compiled["evm"]["deployedBytecode"]
            artifacts[name] = Artifact(
                name=name,
                source=source,
                abi=compiled["abi"],
                bytecode=compiled["evm"]["bytecode"]["object"],
                deployed_bytecode=deployed["object"],
                immutable_references=deployed.get("immutableReferences", {}),
                userdoc=compiled["userdoc"],
                devdoc=compiled["devdoc"],
                storage_layout=compiled["storageLayout"],
                input_sha256=input_sha256,
            )
    return artifacts


def _digest(standard_input: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(standard_input, sort_keys=True).encode()).hexdigest()


def _cache_file(root: Path, standard_input: dict[str, Any]) -> Path:
    return root / "build" / "chainpoints" / f"{SOLC_LONG_VERSION}-{_digest(standard_input)[:32]}.json"


def _write_whole(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def main() -> int:
    """`python -m chainpoints.chain.compiler`: compiles what has changed and says what it did."""
    root = project_root()
    began = time.monotonic()
    try:
        executable = solc_executable(root)
        kind = "npm solc, WebAssembly" if executable.is_symlink() else "native solc"
        artifacts = load_artifacts(root)
    except CompilerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    deployable = sum(bool(artifact.bytecode) for artifact in artifacts.values())
    digest = next(iter(artifacts.values())).input_sha256[:16]
    sys.stdout.write(
        f"contracts: {deployable} deployable of {len(artifacts)}, solc {SOLC_LONG_VERSION} ({kind}), "
        f"input sha256 {digest}…, {time.monotonic() - began:.1f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
