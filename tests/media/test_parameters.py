"""Parameters as keywords, as one mapping, or both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Required, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.errors import ScenarioError
from voxrun.media.parameters import merged, one_object


class Shape(TypedDict, total=False):
    agentId: Required[str]
    baseUrl: str
    trace: bool


def test_a_mapping_and_keywords_are_the_same_and_keywords_win() -> None:
    expected = {"agentId": "a", "trace": True}
    assert merged("f", Shape, expected, {}) == expected
    assert merged("f", Shape, None, expected) == expected
    assert merged("f", Shape, {"agentId": "b", "trace": True}, {"agentId": "a"}) == expected


def test_none_is_an_optional_one_that_is_not_given_and_a_path_is_a_text() -> None:
    values = {"agentId": Path("a"), "baseUrl": None, "trace": None}
    assert merged("f", Shape, values, {}) == values


def test_neither_is_changed() -> None:
    given_, keywords = {"agentId": "a"}, {"trace": True}
    merged("f", Shape, given_, keywords)["more"] = 1
    assert (given_, keywords) == ({"agentId": "a"}, {"trace": True})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"agentID": "a"}, "f has no parameter 'agentID'; did you mean 'agentId'?"),
        ({"agentId": "a", "zzz": 1}, "f has no parameter 'zzz'; it has agentId, baseUrl, trace"),
        ({"trace": True}, "f needs the parameter 'agentId'"),
        ({}, "f needs the parameter 'agentId'"),
        ({"agentId": 5}, "f needs a text as 'agentId', but was given 5"),
        ({"agentId": None}, "f needs a text as 'agentId', but was given None"),
        ({"agentId": "a", "baseUrl": ["b"]}, "f needs a text as 'baseUrl', but was given ['b']"),
    ],
)
def test_what_does_not_fit_is_told(values: dict[str, object], message: str) -> None:
    for mapping, keywords in ((values, {}), (None, values)):
        with pytest.raises(ScenarioError) as caught:
            merged("f", Shape, mapping, keywords)
        assert caught.value.message == message


@pytest.mark.parametrize("given_", ["en-US", True, 5, ["agentId"]])
def test_what_is_no_object_is_told(given_: Any) -> None:
    with pytest.raises(ScenarioError) as caught:
        merged("f", Shape, given_, {})
    assert caught.value.message == f"f takes its parameters by name or as one dict, but was given {given_!r}"


class Unit:
    @one_object
    def tell(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Tell it."""
        return dict(parameters)


def test_a_method_of_one_object_takes_keywords_too() -> None:
    unit = Unit()
    assert unit.tell({"text": "a"}) == unit.tell(text="a") == unit.tell({"text": "b"}, text="a") == {"text": "a"}
    assert unit.tell({}) == {}
    with pytest.raises(ScenarioError, match="tell needs parameters, by name or as one dict"):
        unit.tell()
    no_object: Any = "a"
    with pytest.raises(ScenarioError, match="tell takes its parameters by name or as one dict, but was given 'a'"):
        unit.tell(no_object)


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_only_known_names_come_through(mapping: dict[str, int], keywords: dict[str, int]) -> None:
    try:
        values = merged("f", Shape, mapping, {"agentId": "a", **keywords})
    except ScenarioError:
        assert {*mapping, *keywords} - set(Shape.__annotations__)
    else:
        assert values == {**mapping, "agentId": "a", **keywords}
