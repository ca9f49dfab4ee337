"""Requests that a machine made up from the API's own description (Schemathesis): well formed and not, for every route.

None is answered with a failure of the gateway, an undocumented status, or a body that is not of its schema; what is
wrong is refused; and what a route asks for (a key, a header) it insists on. FUZZ_EXAMPLES sets how many there are at
most of each route and phase, and lets a merchant and nobody ask as well; `make faults-long` makes 20,000 and more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from builders import ROOT, Deployment
from chainpoints.api.limits import Limits
from chainpoints.config import Secret
from chainpoints.store.migrate import migrate
from chainpoints.store.session import Store
from gateway import World, running_gateway

sys.path.append(str(ROOT / "scripts"))
from setup import tool_environment

pytestmark = pytest.mark.integration

SEED = 20261126
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
CALLERS = ["operator", "merchant", "nobody"] if "FUZZ_EXAMPLES" in os.environ else ["operator"]
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "negative_data_rejection", "unsupported_method", "allow_header_conformance", "ignored_auth",
    "missing_required_header",
)  # fmt: skip
FINAL_AFTER = 100
"""Blocks after which the local node calls the first ones final: before it, what is final cannot be answered."""


@pytest.mark.parametrize("caller", CALLERS)
def test_no_request_is_answered_wrongly(
    caller: str, deployment: Deployment, database: Secret, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(database)
    migrate(store)
    with running_gateway(deployment, store, limits=Limits(per_second=1e6, burst=1_000_000)) as world:
        _, shop = world.merchant("shop")
        world.issue(shop, "alice", "100", "before")
        world.pay(shop, "alice", "10", "paid-before")
        deployment.anvil.rpc.call("anvil_mine", hex(FINAL_AFTER))
        world.read_all()
        made = fuzz(world, {"operator": world.operator.key, "merchant": shop.key, "nobody": None}[caller], tmp_path)
        with capsys.disabled():
            sys.stdout.write(f"fuzz: {caller} asked {made:,} times, seed {SEED}\n")
        assert made > 1_000
        _, another = world.merchant("another shop")  # the operator's requests may have ended the first one's key
        assert world.pay(another, "alice", "10", "paid-after")["paid_at"], "it works as before"
    store.close()


def fuzz(world: World, key: str | None, folder: Path) -> int:
    """How many requests were made; fails with what Schemathesis says."""
    command = [
        tool_environment("fuzz") / "st", "--no-color", "run", f"{world.url}/openapi.json", "--phases=coverage,fuzzing",
        f"--max-examples={EXAMPLES}", f"--seed={SEED}", f"--checks={','.join(CHECKS)}", "--continue-on-failure",
        "--exclude-path=/v1/stream", "--request-timeout=20"
    ]  # fmt: skip
    if key:
        command.append(f"--header=Authorization: Bearer {key}")
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=3_600)
    assert run.returncode == 0, run.stdout[-6_000:] + run.stderr[-2_000:]
    generated = re.search(r"([\d,]+) generated", run.stdout)
    assert generated, run.stdout[-2_000:]
    return int(generated[1].replace(",", ""))
