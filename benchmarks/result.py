"""The result files of benchmarks that measure on one database at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def save(file: Path, figures: dict[str, Any], on_postgresql: bool) -> None:
    """SQLite's at the top, PostgreSQL's under its name; a run writes its own and leaves the other."""
    old = json.loads(file.read_text()) if file.exists() else {}
    kept = {name: value for name, value in old.items() if (name == "postgresql") is not on_postgresql}
    new = kept | {"postgresql": figures} if on_postgresql else figures | kept
    file.write_text(json.dumps(new, indent=2) + "\n")
