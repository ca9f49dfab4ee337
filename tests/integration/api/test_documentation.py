"""The API documents itself: every route with words and examples, in pages that load nothing from elsewhere."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from chainpoints.api.docs import Examples
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


def test_every_answer_and_body_has_an_example_of_its_form(api: Api) -> None:
    """Put together from the schemas: none falls back to the word "text"."""
    document = api.app.openapi()
    assert document["openapi"].startswith("3.1")
    examples = Examples(document["components"]["schemas"])
    for name, operation in operations(api):
        contents = [
            each["content"]["application/json"] for code, each in operation["responses"].items() if code != "default"
        ]
        contents += [operation["requestBody"]["content"]["application/json"]] if "requestBody" in operation else []
        assert contents, name
        for content in contents:
            example = examples.of(content["schema"])
            assert example, name
            assert "text" not in _values(example), (name, example)


def test_the_docs_show_every_route_and_load_nothing_from_elsewhere(api: Api) -> None:
    page = api.public.send("GET", "/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    shown = html.unescape(page.text)
    for method, path in api.routes():
        assert path in shown, (method, path)
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)
    assert "<script" not in page.text


def _values(example: Any) -> list[Any]:
    if isinstance(example, dict):
        return [value for each in example.values() for value in _values(each)]
    if isinstance(example, list):
        return [value for each in example for value in _values(each)]
    return [example]
