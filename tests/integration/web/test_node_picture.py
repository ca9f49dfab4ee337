"""A node's picture in a real browser: it is drawn as an <img>, and no text leaves its place or lies on another."""

from __future__ import annotations

import itertools
import os
import xml.etree.ElementTree as ElementTree
from base64 import b64decode
from typing import Any

import pytest

from builders import start_anvil
from node_pictures import PICTURES, browser, measured, metadata, token_uris

pytestmark = pytest.mark.integration

CARD_WIDTH, CARD_HEIGHT, MARGIN = 640, 400, 30
CURVE_WIDTH, CURVE_HEIGHT = 568, 146

Measures = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def uris() -> dict[str, str]:
    chain = start_anvil()
    try:
        return token_uris(chain)
    finally:
        chain.stop()


@pytest.fixture(scope="module")
def pictures(uris: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Measures:
    if browser() is None:
        told = "no Chromium is installed: how a node's picture looks is not tested"
        if os.environ.get("CI"):
            pytest.fail(told, pytrace=False)
        pytest.skip(told)
    return measured(tmp_path_factory.mktemp("browser"), uris)


@pytest.mark.parametrize("key", PICTURES)
def test_the_metadata_is_json_and_the_picture_xml(uris: dict[str, str], key: str) -> None:
    read = metadata(uris[key])
    assert set(read) == {"name", "description", "image", "attributes"}
    svg = ElementTree.fromstring(b64decode(read["image"].removeprefix("data:image/svg+xml;base64,"), validate=True))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("key", PICTURES)
def test_it_is_drawn_as_an_image(pictures: Measures, key: str) -> None:
    picture = pictures[key]
    assert "broken" not in picture, picture
    assert (picture["width"], picture["height"]) == (CARD_WIDTH, CARD_HEIGHT)
    assert picture["corner"][3] == 0, "the card's corners are round"
    assert picture["middle"][3] == 255
    assert not {"script", "style", "image", "a", "foreignObject"} & set(picture["elements"])


def test_the_collection_has_a_picture(pictures: Measures) -> None:
    picture = pictures["collection"]
    assert "broken" not in picture, picture
    assert (picture["width"], picture["height"]) == (640, 640)


@pytest.mark.parametrize("key", PICTURES)
def test_every_text_is_on_the_card_and_large_enough_to_read(pictures: Measures, key: str) -> None:
    for text in pictures[key]["texts"]:
        assert text["x"] >= MARGIN, text
        assert text["x"] + text["width"] <= CARD_WIDTH - MARGIN, text
        assert text["y"] >= MARGIN, text
        assert text["y"] + text["height"] <= CARD_HEIGHT - 10, text
        assert text["size"] >= 8, text


@pytest.mark.parametrize("key", PICTURES)
def test_no_text_lies_on_another_or_on_the_curve(pictures: Measures, key: str) -> None:
    picture = pictures[key]
    for one, other in itertools.combinations(picture["texts"], 2):
        assert apart(one, other), (one, other)
    for text in picture["texts"]:
        for x, y in picture["points"]:
            point = {"x": x - 2, "y": y - 2, "width": 4, "height": 4}
            assert apart(text, point), (text, x, y)


@pytest.mark.parametrize("key", PICTURES)
def test_the_areas_are_what_was_claimed_and_what_is_claimable(pictures: Measures, key: str) -> None:
    state, boxes = PICTURES[key], pictures[key]["boxes"]
    periods, claimed = state.schedule.periods, state.claimed_periods
    spans = {"claimed": (0, claimed), "claimable": (claimed, state.periods)}
    for name, (begin, end) in spans.items():
        if begin == end:
            assert boxes[name] is None
            continue
        assert boxes[name]["x"] == pytest.approx(CURVE_WIDTH * begin / periods, abs=0.2)
        assert boxes[name]["width"] == pytest.approx(CURVE_WIDTH * (end - begin) / periods, abs=0.2)
        assert boxes[name]["height"] == pytest.approx(CURVE_HEIGHT * float(state.schedule.share(end)), abs=0.2)
    assert (boxes["now"] is not None) == (0 <= state.elapsed < periods)
    if boxes["now"]:
        assert boxes["now"]["x"] == pytest.approx(CURVE_WIDTH * state.elapsed / periods, abs=1)


def apart(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes share no pixel."""
    beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
    return beside or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
