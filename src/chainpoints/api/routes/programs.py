"""GET /v1/programs: terms in words and numbers, books, and how far they are covered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from chainpoints.api.deps import GatewayDep, View
from chainpoints.api.schemas.base import AtQuery
from chainpoints.api.schemas.chain import (
    BooksShape,
    ProgramAnswer,
    ProgramList,
    ProgramShape,
    ReplacementShape,
    Solvency,
    TermsShape,
)
from chainpoints.domain.forecast import half_period
from chainpoints.domain.terms import Books, Terms, describe, ratio
from chainpoints.errors import NotFound, RequestRefused
from chainpoints.store import programs as store
from chainpoints.store.wallets import supply
from chainpoints.types import format_points

router = APIRouter(tags=["programs"])


@router.get("/programs")
def list_programs(gateway: GatewayDep, query: Annotated[AtQuery, Query()]) -> ProgramList:
    """Every program."""
    with gateway.reading(query.finality) as view:
        found = store.programs(view.connection, view.at).values()
        return ProgramList(read_at=view.read_at(), items=[_program(view, terms) for terms in found])


@router.get("/programs/{program}")
def get_program(
    gateway: GatewayDep, program: Annotated[int, Path(ge=0, lt=1 << 32)], query: Annotated[AtQuery, Query()]
) -> ProgramAnswer:
    """One program."""
    with gateway.reading(query.finality) as view:
        terms = store.program(view.connection, program, view.at)
        if terms is None:
            raise NotFound(f"there is no program {program}")
        return ProgramAnswer(read_at=view.read_at(), **dict(_program(view, terms)))


def known_program(view: View, program: int) -> Terms:
    """The terms of a program that a request's body names. Raises RequestRefused (422) when there is none."""
    terms = view.read(store.program, program)
    if terms is None:
        raise RequestRefused(422, "unknown-program", f"there is no program {program}")
    return terms


def books_shape(books: Books) -> BooksShape:
    return BooksShape(
        diverted=format_points(books.diverted),
        committed=format_points(books.committed),
        released=format_points(books.released),
        reserve=format_points(books.reserve),
    )


def solvency(terms: Terms, books: Books, points_supply: int) -> Solvency:
    """How what the program owes is covered, with the supply of all points that owing it would dilute."""
    promised = books.released + books.committed
    if terms.is_funded:
        return Solvency(
            covered=books.reserve >= books.committed,
            reserve_to_committed=ratio(books.reserve, books.committed),
            cap_use=ratio(promised, terms.cap),
            dilution=format_points(0),
        )
    return Solvency(
        covered=promised <= terms.cap,
        reserve_to_committed=None,
        cap_use=ratio(promised, terms.cap),
        dilution=ratio(books.committed, points_supply),
    )


def _program(view: View, terms: Terms) -> ProgramShape:
    books = store.books(view.connection, terms.program, view.at)
    replacement = view.read(store.replacement_of, terms.program)
    return ProgramShape(
        program=terms.program,
        name=terms.name,
        replacement=ReplacementShape(program=replacement.replaced_by, closes_at=replacement.closes_at)
        if replacement
        else None,
        terms=_terms(terms),
        books=books_shape(books),
        solvency=solvency(terms, books, supply(view.connection, view.at)),
    )


def _terms(terms: Terms) -> TermsShape:
    return TermsShape(
        funding=terms.funding,
        divert_bps=terms.divert_bps,
        multiplier=terms.multiplier,
        periods=terms.periods,
        period_length=terms.period_length,
        epoch=terms.epoch,
        growth=f"{terms.growth_numerator}/{terms.growth_denominator}",
        min_payment=format_points(terms.min_payment),
        payer_period_cap=format_points(terms.payer_period_cap),
        cap=format_points(terms.cap),
        terms_hash=terms.terms_hash,
        half_released_after=half_period(terms.grid.schedule),
        words=describe(terms),
    )
