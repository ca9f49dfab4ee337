"""docs/runbook.md: its commands, one block after the other in one shell, as an operator would paste them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from builders import ROOT, Deployment, free_port
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store
from gateway import running_gateway

pytestmark = pytest.mark.integration

_PATIENCE_SECONDS = 600
"""A minute on a quiet machine: most of it is the start of some 25 processes."""
_MADE = ("second.json", "new.json")
"""What the rotation of a merchant's key is answered, which is done twice."""
_BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def test_every_command_does_what_the_page_says(deployment: Deployment, database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    store = Store(database)
    if store.is_sqlite:
        pytest.skip("the page is about several machines, which need PostgreSQL")
    migrate(store)
    with running_gateway(deployment, store) as world:  # a merchant with a till and another key, as there is by then
        number, other = world.merchant("shop")
        till = {"name": "till", "scopes": ["orders:read"]}
        first = world.operator.post(f"/v1/merchants/{number}/keys", till)["secret"]
    store.close()

    ports = {"8600": str(free_port()), "8601": str(free_port())}
    blocks = _BLOCK.findall((ROOT / "docs/runbook.md").read_text())
    assert len(blocks) >= 10
    [rotation] = [block for block in blocks if "new.json" in block]
    blocks[blocks.index(rotation)] = f"{rotation}cp new.json second.json\n{rotation}"  # a till's key is changed often
    script = "\n".join(f"echo '== block {number}' >&2\n{block}" for number, block in enumerate(blocks))
    for port, free in ports.items():
        script = script.replace(port, free)
    settings = deployment.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAINPOINTS_")} | {
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "CHAINPOINTS_HOME": str(tmp_path / "home"),
        "CHAINPOINTS_DEPLOYMENTS": str(settings.deployments),
        "CHAINPOINTS_DATABASE": database.reveal(),
        "CHAINPOINTS_RPC_URL": settings.rpc_url.reveal(),
        "OTHER_RPC_URL": settings.rpc_url.reveal().replace("127.0.0.1", "localhost"),
        "CHAINPOINTS_PORT": ports["8600"],
    }
    log, answered = tmp_path / "runbook.log", list[int]()
    with log.open("w") as output:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env=environment,
            start_new_session=True,
        )
        try:
            code = shell.wait(timeout=_PATIENCE_SECONDS)
            if code == 0:  # what it has started serves still
                second, third = (json.loads((tmp_path / name).read_text())["secret"] for name in _MADE)
                keys, orders = (first, second, third, other.key), f"http://127.0.0.1:{ports['8600']}/v1/orders"
                answered = [httpx.get(orders, headers={"authorization": f"Bearer {key}"}).status_code for key in keys]
        except subprocess.TimeoutExpired:
            code = None
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
    assert code == 0, f"{code if code is not None else 'out of time'}: {log.read_text()[-4000:]}"
    assert answered == [401, 401, 200, 200], "each key of the till that was replaced has ended, and no other has"


def test_every_alert_is_over_a_metric_that_there_is() -> None:
    rules = (ROOT / "docs/operations/alerts.yml").read_text()
    used = {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"chainpoints_\w+", rules)}
    sources = "".join((ROOT / "src/chainpoints/api" / name).read_text() for name in ("metrics.py", "observed.py"))
    for name in used:
        assert f'"{name}"' in sources or f'"{name.removeprefix("chainpoints_")}"' in sources, name
