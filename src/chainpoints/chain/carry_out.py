"""Carries out a deployment plan by whatever sends transactions: what both executors share.

Nothing is remembered of what was done: each step is recognised on the chain itself. Only where the deployment began is
written down before the first transaction, beside the manifest, so an interrupted one goes on wherever it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from chainpoints.chain.beginning import Beginning, load_beginning, pending_file, save_beginning
from chainpoints.chain.chain_state import ChainState, DeployedState
from chainpoints.chain.compiler import SETTINGS, SOLC_LONG_VERSION, Artifact, sources_of
from chainpoints.chain.manifest import (
    CompilerSettings,
    DeployedContract,
    DeployedProgram,
    DeployedRole,
    Manifest,
    load_manifest,
    save_manifest,
    sources_file,
    write_whole,
)
from chainpoints.chain.plan import CONTRACTS, ROLES, Addresses, Create, Plan, Step, plan_addresses
from chainpoints.chain.rpc import Rpc
from chainpoints.chain.steps import Steps
from chainpoints.errors import DeploymentError
from chainpoints.types import Address

SHOWN_SECONDS = 30.0
"""How long an endpoint may take to show what another of its replicas has already confirmed."""

Progress = Callable[[str], None]


class Executor(Protocol):
    """Sends the deployer's transactions and waits for them. Raises DeploymentError when one is refused or reverts."""

    @property
    def address(self) -> Address: ...

    def create(self, contract: str, code: str, nonce: int) -> int:
        """Sends the creation of a contract; the number of the block that it was mined in."""

    def send(self, to: Address, data: str, nonce: int) -> int:
        """Sends a call; the number of the block that it was mined in."""


def carry_out(
    plan: Plan,
    artifacts: dict[str, Artifact],
    rpc: Rpc,
    executor: Executor,
    manifest_path: Path,
    progress: Progress,
) -> Manifest:
    """Does what is left of the plan and writes the manifest; sends nothing when all of it is done.

    Raises DeploymentError when the chain has something else than the plan says; nothing more is sent then.
    """
    run = _Run(plan, artifacts, rpc, executor, manifest_path, progress)
    run.check_chain()
    standing = run.already_deployed()
    return standing or run.deploy()


class _Run:
    def __init__(
        self,
        plan: Plan,
        artifacts: dict[str, Artifact],
        rpc: Rpc,
        executor: Executor,
        manifest_path: Path,
        progress: Progress,
    ) -> None:
        self.plan, self.artifacts, self.executor, self.progress = plan, artifacts, executor, progress
        self.manifest_path, self.pending_path = manifest_path, pending_file(manifest_path)
        self.sources = sources_of(artifacts)
        self.chain = ChainState(rpc)

    def check_chain(self) -> None:
        expected, actual = self.plan.parameters.chain_id, self.chain.chain_id()
        if actual != expected:
            raise DeploymentError(
                f"the plan is for chain {expected} and the RPC endpoint serves chain {actual}: nothing was sent; "
                "correct CHAINPOINTS_CHAIN or CHAINPOINTS_RPC_URL"
            )
        taken = [r for r, account in self.plan.parameters.accounts.items() if account == self.executor.address]
        if taken:
            raise DeploymentError(
                f"the deployer {self.executor.address} is also the {taken[0]}, but keeps no role; use two keys"
            )

    def already_deployed(self) -> Manifest | None:
        """The manifest, when everything in it is on this chain."""
        if not self.manifest_path.exists():
            return None
        manifest = load_manifest(self.manifest_path)
        hashes = {name: self.chain.code_hash(contract.address) for name, contract in manifest.contracts.items()}
        for name, contract in manifest.contracts.items():
            if hashes[name] not in (None, contract.code_hash):
                raise DeploymentError(
                    f"{self.manifest_path} says that {name} at {contract.address} has code {contract.code_hash}, the "
                    f"chain says {hashes[name]}: the manifest is not of this chain; move it away to deploy anew"
                )
        if not any(hashes.values()):
            self.progress(f"{self.manifest_path.name} is of another chain: nothing of it is here; deploying anew")
            return None
        addresses = Addresses(manifest.deployer, {n: contract.address for n, contract in manifest.contracts.items()})
        state = DeployedState(self.chain, addresses, self.artifacts)
        if all(state.is_done(step) for step in self.plan.steps):
            self.progress(f"Already deployed, as {self.manifest_path} says; nothing was sent")
            self.pending_path.unlink(missing_ok=True)
            self._save_sources()
            return manifest
        self.progress("This chain has lost the end of the deployment; carrying it out again")
        blocks = {name: contract.block for name, contract in manifest.contracts.items() if hashes[name]}
        lost = Beginning(manifest.deployer, manifest.first_nonce, manifest.first_block, self.plan.digest(), blocks)
        save_beginning(self.pending_path, lost)
        return None

    def deploy(self) -> Manifest:
        self.chain.wait_for_unmined(self.executor.address)
        beginning = self._resumed() or self._new()
        addresses = plan_addresses(self.executor.address, beginning.first_nonce)
        state, steps = DeployedState(self.chain, addresses, self.artifacts), Steps(addresses, self.artifacts)
        for number, step in enumerate(self.plan.steps, start=1):
            what = f"[{number}/{len(self.plan.steps)}] {steps.describe(step)}"
            if state.is_done(step):
                self.progress(f"{what}: there already")
                continue
            self.progress(what)
            self._execute(step, steps, beginning)
            self._wait_until_shown(step, state, what)
        state.check_roles(self.plan)
        manifest = self._manifest(beginning, addresses, state, steps)
        self._save_sources()
        save_manifest(self.manifest_path, manifest)
        self.pending_path.unlink()
        self.progress(f"Deployed; {self.manifest_path} says what and where")
        return manifest

    def _save_sources(self) -> None:
        path = sources_file(self.manifest_path)
        if not path.exists() or path.read_bytes() != self.sources:
            write_whole(path, self.sources)

    def _resumed(self) -> Beginning | None:
        beginning = load_beginning(self.pending_path)
        if beginning is None:
            return None
        if not self._has_begun(beginning):
            self.progress(f"{self.pending_path.name} is of a deployment that left nothing on this chain; starting anew")
            return None
        beginning.check(self.pending_path, self.executor.address, self.plan.digest())
        self.progress("Going on with the deployment that was interrupted")
        return beginning

    def _has_begun(self, beginning: Beginning) -> bool:
        """False when the chain is a new one, or nothing was sent yet."""
        nonce = self.chain.nonce(beginning.deployer)
        return nonce > beginning.first_nonce and self.chain.head() >= beginning.first_block

    def _new(self) -> Beginning:
        nonce = self.chain.nonce(self.executor.address)
        beginning = Beginning(self.executor.address, nonce, self.chain.head() + 1, self.plan.digest(), {})
        save_beginning(self.pending_path, beginning)
        return beginning

    def _execute(self, step: Step, steps: Steps, beginning: Beginning) -> None:
        nonce = self.chain.nonce(self.executor.address)
        if not isinstance(step, Create):
            to, data = steps.call(step)
            self.executor.send(to, data, nonce)
            return
        expected = beginning.first_nonce + CONTRACTS.index(step)
        if nonce != expected:
            raise DeploymentError(
                f"{step.contract} must be created with nonce {expected} of {self.executor.address}, which is at "
                f"{nonce}: the account sent something else meanwhile, or a creation failed. Nothing was sent; delete "
                f"{self.pending_path} to deploy anew at other addresses"
            )
        beginning.blocks[step.contract] = self.executor.create(step.contract, steps.creation_code(step), nonce)
        save_beginning(self.pending_path, beginning)

    def _wait_until_shown(self, step: Step, state: DeployedState, what: str) -> None:
        until = time.monotonic() + SHOWN_SECONDS
        while not state.is_done(step):
            if time.monotonic() > until:
                raise DeploymentError(
                    f"{what}: its transaction was mined, yet the RPC endpoint does not show its effect after "
                    f"{SHOWN_SECONDS:.0f} seconds. Check the endpoint, then run the same command again: it goes on here"
                )
            time.sleep(0.5)

    def _manifest(self, beginning: Beginning, addresses: Addresses, state: DeployedState, steps: Steps) -> Manifest:
        contracts = {}
        for nonce, step in enumerate(CONTRACTS, start=beginning.first_nonce):
            name = step.contract
            block = beginning.blocks.get(name)
            if block is None:
                block = self.chain.block_of_transaction(addresses.deployer, nonce, beginning.first_block)
            contracts[name] = DeployedContract(addresses.address(name), state.code_hash(name), block)
        parameters = self.plan.parameters
        programs = dict(enumerate(parameters.programs, start=1))
        return Manifest(
            chain_id=parameters.chain_id,
            first_block=beginning.first_block,
            deployer=addresses.deployer,
            first_nonce=beginning.first_nonce,
            contracts=contracts,
            compiler=CompilerSettings(
                version=SOLC_LONG_VERSION,
                optimizer_runs=SETTINGS["optimizer"]["runs"],
                via_ir=SETTINGS["viaIR"],
                evm_version=SETTINGS["evmVersion"],
            ),
            roles={
                role.name: DeployedRole(
                    id=role.id,
                    functions=steps.signatures(role),
                    members={parameters.accounts[role.name]: parameters.delays[role.name]},
                )
                for role in ROLES
            },
            programs=list(programs),
            terms={str(i): DeployedProgram(p.name, p.terms_file, p.terms_hash) for i, p in programs.items()},
        )
