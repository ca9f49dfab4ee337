"""The API documents itself: every route with words and examples, in pages that load nothing from elsewhere."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from gateway import Api

pytestmark = pytest.mark.integration


def operations(api: Api) -> list[tuple[str, dict[str, Any]]]:
    paths = api.app.openapi()["paths"]
    return [(f"{method.upper()} {path}", each) for path, methods in paths.items() for method, each in methods.items()]


def test_every_route_says_what_it_does_what_it_takes_and_how_it_fails(api: Api) -> None:
    for name, operation in operations(api):
        assert len(operation["description"]) > 10, name
        assert operation["tags"], name
        assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}, name
        assert "422" not in operation["responses"], name


def test_what_is_done_once_needs_its_key_and_the_document_says_so(api: Api) -> None:
    asked = 0
    for name, operation in operations(api):
        for header in operation.get("parameters", []):
            if header["name"] != "idempotency-key":
                continue
            assert header["required"], name
            method, path = name.split()
            answer = api.operator.send(method, re.sub(r"{\w+}", "1", path), json={})
            assert answer.status_code in (400, 422), (name, answer.text)
            asked += 1
    assert asked >= 15


def test_the_docs_show_every_route_and_load_nothing_from_elsewhere(api: Api) -> None:
    page = api.public.send("GET", "/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    shown = html.unescape(page.text)
    for method, path in api.routes():
        assert path in shown, (method, path)
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)
    assert "<script" not in page.text
