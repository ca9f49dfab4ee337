"""plan and parameters: what a deployment will do, before anything is sent."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from builders import ROOT
from chainpoints.chain.local import GENESIS_TIMESTAMP
from chainpoints.chain.parameters import GRANTED, PUBLIC_EPOCH, first_programs, local_parameters, terms_text
from chainpoints.chain.plan import CONTRACTS, ROLES, HandOver, create_address, deployment_plan, plan_addresses
from chainpoints.errors import InvalidInput
from chainpoints.types import ONE_POINT, Address

pytestmark = pytest.mark.unit

DEPLOYER = Address("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")


@pytest.mark.parametrize(
    ("nonce", "address"),
    [  # 0 to 3 as published for this account, the rest by the library `rlp`
        (0, "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
        (1, "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
        (2, "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
        (3, "0xfffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c"),
        (127, "0x06d9a77f5e4b311bae8d559db9cdb4df94104aa0"),
        (128, "0x08e190dcb7b73f5fcdabb43e102215c83659a76d"),
        (255, "0x3ef7c1a519e4b4431e317d7839340e3139b03c65"),
        (256, "0x3837c1ae70354f670550c746580199ac6a73cb0a"),
        (70_000, "0xea79a6239fef1923a52c1caa590ac2b828a961bb"),
    ],
)
def test_foretells_the_address_of_a_contract(nonce: int, address: str) -> None:
    assert create_address(DEPLOYER, nonce) == address


def test_every_contract_is_created_once_before_programs_and_roles() -> None:
    steps = deployment_plan(local_parameters(GENESIS_TIMESTAMP)).steps
    assert [type(step).__name__ for step in steps] == ["Create"] * 7 + ["Open"] * 2 + ["HandOver"]
    assert len(set(plan_addresses(DEPLOYER, 5).contracts.values())) == len(CONTRACTS) == 7


def test_arguments_name_only_what_the_plan_creates() -> None:
    addresses = plan_addresses(DEPLOYER, 0)
    for step in CONTRACTS:
        assert all(addresses.address(argument.address_of) for argument in step.arguments)


def test_T17_every_restricted_function_has_a_role_and_every_role_a_function() -> None:
    restricted = set()
    for source in (ROOT / "contracts").rglob("*.sol"):
        functions = re.findall(r"function (\w+)\([^{;]*?\)([^{;]*)[{;]", source.read_text())
        restricted |= {name for name, modifiers in functions if "restricted" in modifiers.split()}
    planned = [name for role in ROLES for names in role.functions.values() for name in names]
    assert len(restricted) > 10
    assert sorted(planned) == sorted(restricted)
    assert [role.name for role in ROLES] == sorted(GRANTED, key=[role.name for role in ROLES].index)


def test_T17_the_last_thing_that_the_deployer_does_is_to_give_up_its_role() -> None:
    last = deployment_plan(local_parameters(GENESIS_TIMESTAMP)).steps[-1]
    assert isinstance(last, HandOver)
    assert last.calls[-1].function == "renounceRole"
    assert "deployer" not in {call.arguments[1] for call in last.calls if call.function == "grantRole"}


def test_a_plan_is_data_and_two_plans_differ() -> None:
    parameters = local_parameters(GENESIS_TIMESTAMP)
    plan, same = deployment_plan(parameters), deployment_plan(local_parameters(GENESIS_TIMESTAMP))
    other = deployment_plan(replace(parameters, delays=parameters.delays | {"admin": 1}))
    assert json.loads(plan.to_json())["steps"][1] == {
        "contract": "PointsToken",
        "arguments": [{"address_of": name} for name in ("AccessManager", "PaymentProcessor", "ReleaseNode")],
    }
    assert plan.digest() == same.digest() != other.digest()


def test_refuses_grids_that_begin_within_a_day() -> None:
    assert PUBLIC_EPOCH % (7 * 86_400) == 4 * 86_400, "1970-01-01 was a Thursday: four days later is a Monday"
    with pytest.raises(InvalidInput, match="is not a midnight UTC"):
        local_parameters(GENESIS_TIMESTAMP + 1)


def test_T17_refuses_one_account_for_the_two_that_large_issues_need() -> None:
    parameters = local_parameters(0)
    accounts = parameters.accounts | {"approver": parameters.accounts["issuer"]}
    with pytest.raises(InvalidInput, match="two people"):
        replace(parameters, accounts=accounts)


def test_refuses_a_role_without_an_account() -> None:
    parameters = local_parameters(GENESIS_TIMESTAMP)
    without = {role: account for role, account in parameters.accounts.items() if role != "guardian"}
    with pytest.raises(InvalidInput, match="guardian"):
        replace(parameters, accounts=without)


@pytest.mark.parametrize("program", first_programs(PUBLIC_EPOCH), ids=lambda program: program.name)
def test_the_terms_say_what_the_program_does(program) -> None:
    text = " ".join(terms_text(program.terms_file).decode().split())
    times = {10: "ten times", 2: "twice"}[program.multiplier]
    grid = {7 * 86_400: "periods of one week", 86_400: "daily instalments"}[program.period_seconds]
    promised = (
        f"{program.divert_bps // 100}% is diverted",
        f"{times} as many points",
        f"{program.schedule.periods} {grid}",
        f"at least {program.min_payment // ONE_POINT} point",
        f"at most {program.payer_period_cap // ONE_POINT:,} points",
        f"never release or owe more than {program.cap // ONE_POINT:,} points",
    )
    assert [words for words in promised if words not in text] == []
    assert program.terms_hash == "0x" + keccak(terms_text(program.terms_file)).hex()
    assert not re.search(r"profit|yield|invest|guarantee|dividend|interest", text, re.IGNORECASE)


def test_the_terms_of_FEC_tell_the_slow_beginning() -> None:
    fec, _ = first_programs(PUBLIC_EPOCH)
    text = " ".join(terms_text(fec.terms_file).decode().split())
    assert f"only after {fec.schedule.half_period()} of the 100 weeks" in text
    assert f"the first week releases {fec.schedule.released(10_000 * ONE_POINT, 1) / ONE_POINT:.6f}" in text
