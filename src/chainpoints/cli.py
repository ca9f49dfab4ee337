"""The command line: each command reads the settings once, calls one function and shows what it gave."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainpoints import __version__
from chainpoints.chain.manifest import Manifest, load_manifest
from chainpoints.config import Settings
from chainpoints.domain.schedule import Schedule
from chainpoints.errors import InvalidInput, StoreUnavailable
from chainpoints.terminal import answering, bar, end_gracefully_on_sigterm, process, say, say_addresses, show
from chainpoints.types import SUPPLY_CAP, Points, format_points, parse_points

if TYPE_CHECKING:  # the store is slow to load
    from chainpoints.store.session import Store
    from chainpoints.store.status import Head

app = typer.Typer(
    name="chainpoints",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
ErrorsAsJson = Annotated[
    bool,
    typer.Option("--json", help="Print an error that ends it as JSON on standard output; logs go to standard error."),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Replay the purchases up to this date only."),
]
UntilEnds = Annotated[int, typer.Option("--until-ends", hidden=True, help="Stop when the parent of this pid ends.")]


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainpoints {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Points on a public chain, release nodes that pay points back, and a gateway for merchants."""


@app.command()
def run(
    as_json: AsJson = False,
    without_replay: Annotated[bool, typer.Option("--without-replay", help="Start and serve only.")] = False,
    exit_after_replay: Annotated[
        bool, typer.Option("--exit-after-replay", help="Stop when the replay is done, instead of going on serving.")
    ] = False,
    until: Until = None,
) -> None:
    """Start everything: local chain, deployment, index, relay, deliver, serve; replay real purchases; go on serving."""
    from chainpoints.chain.compiler import project_root
    from chainpoints.supervisor import Supervisor, operator_key

    if without_replay and exit_after_replay:
        raise typer.BadParameter("--without-replay and --exit-after-replay contradict each other: give one of them")
    with answering(as_json) as settings:
        supervisor = Supervisor(settings, project_root(), say)
        end_gracefully_on_sigterm()
        with supervisor.running() as manifest:
            key = operator_key(settings)  # `serve` has made it
            say_addresses(settings)
            if settings.chain.is_local and not without_replay:
                _show_report(_replay(settings, manifest, key, supervisor.check, until), as_json)
                if exit_after_replay:
                    return
            say_addresses(settings)
            say("Serving. End with Ctrl-C; `make run` goes on from here.")
            with suppress(KeyboardInterrupt):
                supervisor.wait()
        say("Stopped.")


@app.command()
def deploy(as_json: AsJson = False) -> None:
    """Carry out the deployment plan on the chain, or go on with one that was interrupted."""
    from chainpoints.chain.compiler import load_artifacts, project_root
    from chainpoints.chain.deployment import deploy_to

    with answering(as_json) as settings:
        manifest = deploy_to(settings, load_artifacts(project_root()), progress=say)
        contracts = {name: contract.address for name, contract in sorted(manifest.contracts.items())}
        show({"chain": settings.chain.caip2, "manifest": str(settings.manifest), "contracts": contracts}, as_json)


@app.command()
def index(as_json: ErrorsAsJson = False, until_ends: UntilEnds = 0) -> None:
    """Follow the chain and keep the store equal to it."""
    from chainpoints.indexer.service import run_indexer

    with process("index", until_ends, as_json) as (settings, stop), _store(settings, "index") as store:
        run_indexer(settings, load_manifest(settings.manifest), store, stop)


@app.command()
def relay(as_json: ErrorsAsJson = False, until_ends: UntilEnds = 0) -> None:
    """Send accepted requests to the chain, in batches, with the relayer's keys."""
    from chainpoints.relayer.service import run_relayer

    with process("relay", until_ends, as_json) as (settings, stop), _store(settings, "relay") as store:
        run_relayer(settings, load_manifest(settings.manifest), store, stop)


@app.command()
def deliver(as_json: ErrorsAsJson = False, until_ends: UntilEnds = 0) -> None:
    """Tell merchants by webhooks what happened on the chain."""
    from chainpoints.webhooks.service import run_deliverer

    with process("deliver", until_ends, as_json) as (settings, stop), _store(settings, "deliver") as store:
        load_manifest(settings.manifest)  # it says when nothing is deployed: there is nothing to tell then
        run_deliverer(settings, store, stop)


@app.command()
def serve(as_json: ErrorsAsJson = False, until_ends: UntilEnds = 0) -> None:
    """Serve the HTTP API and the pages."""
    from chainpoints.gateway import serve_gateway
    from chainpoints.supervisor import make_operator_key

    with process("serve", until_ends, as_json) as (settings, stop):
        make_operator_key(settings)
        serve_gateway(settings, stop)


@app.command()
def rebuild(as_json: AsJson = False) -> None:
    """Forget what was read from the chain and read it all again; orders, keys and requests stay."""
    from chainpoints.chain.compiler import project_root
    from chainpoints.indexer.service import rebuild as rebuild_store
    from chainpoints.supervisor import chain_to_read

    with answering(as_json) as settings:
        end_gracefully_on_sigterm()
        with _store(settings) as store:
            before = _standing(store)
            with chain_to_read(settings, project_root()), bar("Rebuilding") as advance:
                rebuild_store(settings, load_manifest(settings.manifest), store, advance)
            result, as_it_should = _compared(before, _standing(store))
        show(result, as_json)
        if not as_it_should:
            raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make: a SQLite database with every row.", dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Write all that the gateway keeps into one file, while it goes on running."""
    from chainpoints.store.backup import backup as back_up

    with answering(as_json) as settings:
        with _store(settings) as store, bar("Backing up") as advance:
            made = back_up(store, file, advance)
        show({"backup": str(file), "rows": made.rows, "digest": made.digest}, as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `chainpoints backup` has made.", dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Fill an empty database from a backup, and check that every row came back; then start as always."""
    from chainpoints.store.backup import restore as restore_store

    with answering(as_json) as settings:
        end_gracefully_on_sigterm()
        with _store(settings) as store, bar("Restoring") as advance:
            made = restore_store(file, store, advance)
        made_at = datetime.fromtimestamp(made.made_at, UTC).isoformat()
        show({"restored_from": str(file), "made_at": made_at, "rows": made.rows, "digest": made.digest}, as_json)


@app.command()
def rotate_operator_key(as_json: AsJson = False) -> None:
    """Revoke every API key of the operator, and put a new one into operator.key in CHAINPOINTS_HOME."""
    from chainpoints.supervisor import rotate_operator_key as rotate

    with answering(as_json) as settings:
        revoked = rotate(settings)
        show({"revoked": revoked, "new_key_in": str(settings.home / "operator.key")}, as_json)


@app.command()
def digest(
    tables: Annotated[bool, typer.Option("--tables", help="Also print the checksum of each table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the checksum of everything that was read from the chain, and the block that it is as of."""
    from chainpoints.store.digest import digest_of, table_digests
    from chainpoints.store.status import head

    with answering(as_json) as settings:
        with _store(settings) as store, store.read() as connection:
            at, by_table = head(connection), table_digests(connection)
        result: dict[str, Any] = {"digest": digest_of(by_table), "block": at.number, "block_hash": at.hash}
        show(result | {"tables": by_table} if tables else result, as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check settings, chain, deployment, database and books; tell what is wrong and what to do."""
    from chainpoints.doctor import examine

    with answering(as_json) as settings:
        findings = examine(settings)
        if as_json:
            typer.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
        for finding in [] if as_json else findings:
            mark = typer.style("ok   ", fg="green") if finding.ok else typer.style("wrong", fg="red")
            typer.echo(f"{mark} {finding.what}: {finding.detail}")
        if not all(finding.ok for finding in findings):
            raise typer.Exit(1)


@app.command()
def replay(as_json: AsJson = False, until: Until = None) -> None:
    """Send the example data's real purchases through the API of a gateway that runs on the local chain."""
    from chainpoints.supervisor import operator_key

    with answering(as_json) as settings:
        if not settings.chain.is_local:
            raise InvalidInput("the replay lets chain time pass, which needs CHAINPOINTS_CHAIN=local")
        manifest, key = load_manifest(settings.manifest), operator_key(settings)
        _show_report(_replay(settings, manifest, key, lambda: None, until), as_json)


@app.command()
def schedule(
    total: Annotated[str, typer.Option(help="What the node will release in all, in points.")],
    periods: Annotated[int, typer.Option(help="Number of periods, 1 to 255.")] = 100,
    growth: Annotated[str, typer.Option(help="Growth a period: 0.05 is 5%; also a fraction, 1/20.")] = "0.05",
    as_json: AsJson = False,
) -> None:
    """Print what a node has released after each period, so that anyone can check it by hand."""
    with answering(as_json, needs_settings=False):
        try:
            ratio = 1 + Fraction(growth)
        except (ValueError, ZeroDivisionError):
            raise InvalidInput(f"growth {growth!r} is not a number; write 0.05 or 1/20") from None
        if ratio < 1:
            raise InvalidInput(f"--growth {growth[:40]} is below 0: a period never releases less than the one before")
        shape = Schedule(periods, ratio.numerator, ratio.denominator)
        units = _total(total)
        if not units:
            raise InvalidInput("--total 0 releases nothing; give what the node will release in all, in points")
        amounts = [format_points(amount) for amount in shape.amounts(units)]
        rows = [{"period": period, "released": amount} for period, amount in enumerate(amounts)]
        if as_json:
            typer.echo(
                json.dumps(
                    {
                        "total": format_points(units),
                        "periods": periods,
                        "growth": str(ratio - 1),
                        "half_released_after": shape.half_period(),
                        "released": rows,
                    },
                    indent=2,
                )
            )
            return
        for row in rows:
            typer.echo(f"{row['period']:>3}  {row['released']:>24}")


@contextmanager
def _store(settings: Settings, role: str | None = None) -> Iterator[Store]:
    """The database of the settings, at the newest schema; it is told of this process where that has a role."""
    from chainpoints.store.migrate import migrate
    from chainpoints.store.processes import heartbeat
    from chainpoints.store.session import Store

    store = Store(settings.database)
    try:
        migrate(store)
        with heartbeat(store, role) if role else nullcontext():
            yield store
    finally:
        store.close()


def _total(text: str) -> Points:
    try:
        return parse_points(text)
    except InvalidInput as error:
        raise InvalidInput(f"--total: {error}; the largest is {format_points(SUPPLY_CAP)}") from None


def _standing(store: Store) -> tuple[str, Head | None]:
    """The digest of what was read from the chain, and the highest block of it."""
    from chainpoints.store.digest import digest_of, table_digests
    from chainpoints.store.status import head

    with store.read() as connection:
        whole = digest_of(table_digests(connection))
        try:
            return whole, head(connection)
        except StoreUnavailable:  # no block was read yet
            return whole, None


def _compared(before: tuple[str, Head | None], after: tuple[str, Head | None]) -> tuple[dict[str, Any], bool]:
    """What a rebuild came to, and whether that is as it should be: the same block has to give the same rows."""
    (digest_before, head_before), (digest_after, head_after) = before, after
    equal, same_block = digest_before == digest_after, head_before == head_after
    if equal:
        note = None
    elif head_before is None or head_after is None:
        note = "nothing had been read from the chain before, so there was nothing to be equal to"
    elif same_block:
        note = "the same block gave other rows: the store was not as the chain says; now it is"
    elif head_before.number == head_after.number:
        note = "the chain has another block of that number now, so other rows are to be expected"
    else:
        way = "a later" if head_after.number > head_before.number else "an earlier"
        note = f"the chain stands at {way} block than the store did, so other rows are to be expected"
    result = {
        "digest_before": digest_before,
        "digest_after": digest_after,
        "equal": equal,
        "block_before": head_before.number if head_before else None,
        "block_after": head_after.number if head_after else None,
        "note": note,
    }
    return result, equal or not same_block


def _show_report(result: dict[str, Any], as_json: bool) -> None:
    from chainpoints.replay.report import NOTE

    show(result, as_json)
    if not as_json:
        typer.echo(NOTE)


def _replay(
    settings: Settings, manifest: Manifest, key: str, check: Callable[[], None], until: datetime | None
) -> dict[str, Any]:
    from chainpoints.chain.rpc import Rpc
    from chainpoints.replay.purchases import read_purchases
    from chainpoints.replay.report import report
    from chainpoints.replay.service import Endpoints, replay

    endpoints = Endpoints(f"http://{settings.host}:{settings.port}", key, Rpc(settings.rpc_url))
    purchases = [purchase for purchase in read_purchases() if until is None or purchase.day <= until.date()]
    with bar("Replaying purchases") as advance:

        def progress(done: int, total: int, where: str) -> None:
            check()
            advance(done, total, where)

        begun = time.monotonic()
        replay(endpoints, manifest, purchases, progress)
        seconds = time.monotonic() - begun
    return report(endpoints, manifest, purchases, seconds)
