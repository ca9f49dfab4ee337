"""Programs: their terms, and their books as of a block."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from chainpoints.domain.terms import Books, Replacement, Terms
from chainpoints.store import tables

_programs, _books = tables.programs.c, tables.books.c
_PROGRAMS = (
    select(*(_programs[name] for name in Terms.__slots__))
    .where(_programs.block_number <= bindparam("at"))
    .order_by(_programs.program)
)
_PROGRAM = _PROGRAMS.where(_programs.program == bindparam("program"))
_BOOKS = (
    select(_books.diverted, _books.committed, _books.released, _books.reserve)
    .where(_books.program == bindparam("program"), _books.block_number <= bindparam("at"))
    .order_by(_books.block_number.desc())
    .limit(1)
)
_r = tables.replacements.c
_REPLACEMENTS = select(_r.program, _r.replaced_by, _r.closes_at).where(_r.block_number <= bindparam("at"))
_REPLACEMENT = _REPLACEMENTS.where(_r.program == bindparam("program"))


def programs(connection: Connection, at: int) -> dict[int, Terms]:
    """Every program that was open after block `at`, by id."""
    return {row.program: Terms(*row) for row in connection.execute(_PROGRAMS, {"at": at})}


def program(connection: Connection, program_id: int, at: int) -> Terms | None:
    row = connection.execute(_PROGRAM, {"program": program_id, "at": at}).one_or_none()
    return Terms(*row) if row else None


def replacements(connection: Connection, at: int) -> dict[int, Replacement]:
    """By the program that is replaced, after block `at`."""
    rows = connection.execute(_REPLACEMENTS, {"at": at})
    return {program: Replacement(replaced_by, closes_at) for program, replaced_by, closes_at in rows}


def replacement_of(connection: Connection, program_id: int, at: int) -> Replacement | None:
    row = connection.execute(_REPLACEMENT, {"program": program_id, "at": at}).one_or_none()
    return Replacement(row.replaced_by, row.closes_at) if row else None


def books(connection: Connection, program_id: int, at: int) -> Books:
    """A program's books after block `at`; all zero before the first entry."""
    row = connection.execute(_BOOKS, {"program": program_id, "at": at}).one_or_none()
    return Books(*row) if row else Books()
