"""/docs and /problems: the documentation, drawn on the server from the OpenAPI document; they load nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from chainpoints.api.auth import SCOPES
from chainpoints.api.errors import KINDS
from chainpoints.errors import NotFound

router = APIRouter(include_in_schema=False)

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
)


def _code(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


_templates.filters["code"] = _code


@router.get("/docs")
async def get_docs(request: Request) -> Response:
    """Every route with its parameters and examples."""
    document = request.app.openapi()
    about, *conventions = re.split(r"\n+- ", document["info"]["description"].strip())
    page = _templates.get_template("docs.html").render(
        info=document["info"],
        about=about,
        conventions=conventions,
        groups=_groups(document),
        scopes=SCOPES,
        kinds=KINDS,
    )
    return Response(page, headers=_HEADERS, media_type="text/html")


@router.get("/problems/{kind}")
async def get_problem(kind: str) -> Response:
    """What a kind of problem means, and what to do."""
    if kind not in KINDS:
        raise NotFound("there is no such kind of problem; /docs lists them")
    title, advice = KINDS[kind]
    page = _templates.get_template("problem.html").render(kind=kind, title=title, advice=advice)
    return Response(page, headers=_HEADERS, media_type="text/html")


def _groups(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][-1], []).append(_operation(path, method, operation))
    return groups


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    status, answer = next((code, each) for code, each in operation["responses"].items() if code.startswith("2"))
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "description": operation.get("description", ""),
        "needs_key": bool(operation.get("security")),
        "parameters": [
            {
                "name": each["name"],
                "place": each["in"],
                "required": each.get("required", False),
                "description": each.get("description", each["schema"].get("description", "")),
            }
            for each in operation.get("parameters", [])
        ],
        "body": _example(operation["requestBody"]) if body else None,
        "status": status,
        "answer": _example(answer),
    }


def _example(taken_or_given: dict[str, Any]) -> str:
    """The first example of a body or an answer, as text."""
    example = next(iter(taken_or_given["content"].values()))["example"]
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
