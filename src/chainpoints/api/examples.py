"""An example for every body and every answer of the OpenAPI document, put together from its schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def add_examples(document: dict[str, Any]) -> None:
    """Gives each body, answer and parameter that has no example one that has the form of its schema."""
    examples = Examples(document["components"]["schemas"])
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        for media in _media(operation):
            if "example" not in media:
                media["example"] = examples.of(media["schema"])
        for parameter in operation.get("parameters", []):
            if "example" not in parameter and parameter.get("required"):
                parameter["example"] = examples.of(parameter["schema"])


def _media(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a request takes and what its answers give."""
    for each in (operation.get("requestBody"), *operation["responses"].values()):
        yield from ((each or {}).get("content") or {}).values()


class Examples:
    """Example values for the schemas of an OpenAPI document."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def of(self, schema: dict[str, Any]) -> Any:
        """An example that has the schema's form: its own where it has one, else put together from its parts."""
        if "$ref" in schema:
            return self.of(self._schemas[schema["$ref"].rsplit("/", 1)[-1]])
        if "examples" in schema:
            return schema["examples"][0]
        if "properties" in schema:
            return {name: self.of(each) for name, each in schema["properties"].items()}
        if "enum" in schema or "const" in schema:
            return schema["const"] if "const" in schema else schema["enum"][0]
        if "anyOf" in schema:
            return self.of(schema["anyOf"][0])
        if schema.get("type") == "array":
            return [self.of(schema["items"])]
        if "default" in schema:
            return schema["default"]
        return {"boolean": False, "integer": 1, "object": {}, "null": None}.get(schema.get("type", ""), "text")
