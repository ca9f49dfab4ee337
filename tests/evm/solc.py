"""The pinned solc for harnesses of these tests: sources as they stand, with the project's own settings."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from chainpoints.chain.compiler import SETTINGS, solc_executable

ROOT = Path(__file__).resolve().parents[2]


@cache
def compiled(file: str, name: str) -> tuple[list[dict[str, Any]], str]:
    """ABI and creation code (hex) of a contract in a file of the project."""
    content = (ROOT / file).read_text(encoding="utf-8")
    output = {"outputSelection": {file: {name: ["abi", "evm.bytecode.object"]}}}
    request = {"language": "Solidity", "sources": {file: {"content": content}}, "settings": SETTINGS | output}
    command = [solc_executable(ROOT), "--standard-json", "--base-path", ROOT]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=True, cwd=ROOT)
    answer = json.loads(done.stdout)
    errors = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
    assert not errors, "\n".join(errors)
    contract = answer["contracts"][file][name]
    return contract["abi"], contract["evm"]["bytecode"]["object"]
