"""The OpenAPI document: every route has examples, and each has the form that it is an example of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from chain_rows import MANIFEST
from chainpoints.api.app import create_app
from chainpoints.config import load_settings
from chainpoints.store.session import Store

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    settings = load_settings({"CHAINPOINTS_HOME": str(folder)})
    found: dict[str, Any] = create_app(settings, MANIFEST, Store(settings.database)).openapi()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    paths = document["paths"]
    return [(f"{method.upper()} {path}", each) for path, methods in paths.items() for method, each in methods.items()]


def bodies_and_answers(operation: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(operation.get("requestBody", {}).get("content", {}).values())
    for status, answer in operation["responses"].items():
        assert status == "default" or answer["content"], status
        found += answer["content"].values()
    return found


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")


def test_every_body_and_every_answer_has_an_example_of_its_form(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        found = bodies_and_answers(operation)
        assert len(found) >= (2 if "requestBody" in operation else 1), name
        for media in found:
            assert_is_of_form(media["example"], media["schema"])
            assert "text" not in values(media["example"]), (name, media["example"])


def test_every_required_parameter_has_an_example_of_its_form(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            if parameter.get("required"):
                assert_is_of_form(parameter["example"], parameter["schema"])
                assert "text" not in values(parameter["example"]), (name, parameter)


def values(example: Any) -> list[Any]:
    if isinstance(example, dict):
        return [value for each in example.values() for value in values(each)]
    if isinstance(example, list):
        return [value for each in example for value in values(each)]
    return [example]


def assert_is_of_form(example: Any, schema: dict[str, Any]) -> None:
    """By the shape that the schema was made from, where it is one."""
    if "$ref" in schema:
        shapes(BaseModel)[schema["$ref"].rsplit("/", 1)[-1]].model_validate_json(json.dumps(example))
        return
    kinds = {"string": str, "integer": int, "array": list}
    assert isinstance(example, kinds[schema["type"]]), (example, schema)
    if "pattern" in schema:
        assert re.search(schema["pattern"], example), (example, schema)
    for each in example if schema["type"] == "array" else []:
        assert_is_of_form(each, schema["items"])


def shapes(base: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Every shape of the API by its name."""
    found = {each.__name__: each for each in base.__subclasses__() if each.__module__.startswith("chainpoints.")}
    for each in base.__subclasses__():
        found |= shapes(each)
    return found
