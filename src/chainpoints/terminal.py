"""What the commands share: errors as one clear message, progress bars, results as text or JSON, how a process ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chainpoints.config import Settings, load_settings
from chainpoints.errors import ChainpointsError, ConfigError
from chainpoints.log import set_up_logging

_INTERRUPTED = 130
"""As shells have it: what was asked for is not done."""

console = Console(stderr=True)


@contextmanager
def answering(as_json: bool, *, needs_settings: bool = True) -> Iterator[Settings]:
    """Errors of the project end a command with exit code 1 and one clear message, as JSON where asked."""
    try:
        yield load_settings() if needs_settings else None  # type: ignore[misc]
    except ChainpointsError as error:
        _tell(error, as_json)
        raise typer.Exit(1) from None
    except OSError as error:
        if error.filename is None:
            raise
        told = f"cannot use {error.filename}: {error.strerror}; see that it is there and that you may write to it"
        _tell(ConfigError(told), as_json)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("Stopped.")
        raise typer.Exit(_INTERRUPTED) from None


def _tell(error: ChainpointsError, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": type(error).__name__, "message": str(error), "retryable": error.retryable}))
    console.print(f"[red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)


@contextmanager
def process(name: str, parent: int, as_json: bool) -> Iterator[tuple[Settings, threading.Event]]:
    """A long-running process: stops on SIGTERM, SIGINT, and (as a child) when its parent ends.

    An error that ends it is one message, as JSON where asked; what it does meanwhile it logs.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent:
        threading.Thread(target=_watch_parent, args=(parent, stop), daemon=True).start()
    with answering(as_json) as settings:
        set_up_logging(settings.log_level, process=name)
        yield settings, stop


def _watch_parent(parent: int, stop: threading.Event) -> None:
    while os.getppid() == parent and not stop.wait(0.5):
        pass
    stop.set()
    time.sleep(10)
    os._exit(1)  # a part that does not stop by itself must not outlive its supervisor


def end_gracefully_on_sigterm() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on standard error; a line every tenth where that is no terminal."""
    columns = (TextColumn(f"{title} {{task.description}}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        told = -1

        def advance(done: int, total: int, where: str = "") -> None:
            nonlocal told
            bars.update(task, completed=done, total=total, description=where)
            tenth = done * 10 // total if total else 10
            if not console.is_terminal and tenth != told:
                told = tenth
                say(f"{title}: {done} of {total} {where}")

        yield advance


def say(line: str) -> None:
    """Progress, a line at a time: as it is, however wide, so that a path in it can be copied."""
    console.print(escape(line), soft_wrap=True)


def say_addresses(settings: Settings) -> None:
    base = f"http://{settings.host}:{settings.port}"
    console.print(f"API documentation  {base}/docs\nWallet page        {base}/", highlight=False, soft_wrap=True)


def show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    width = max(len(key) for key in result)
    for key, value in result.items():
        for number, line in enumerate(_lines(value)):
            typer.echo(f"{'' if number else key.replace('_', ' '):<{width}}  {line}")
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()


def _lines(value: Any) -> list[str]:
    """A value of a result for the eye: a line for each item of a dict; none for null."""
    if isinstance(value, dict):
        return [f"{name} {each}" for name, each in value.items()] or ["none"]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [] if value is None else [str(value)]
