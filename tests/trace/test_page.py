"""A trace as a page."""

import json
import re
from typing import Any

from tests.trace.traces import HEAD

from voxrun.testing import SimulatedCall
from voxrun.trace.page import page
from voxrun.trace.story import tell


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_it_has_all_of_the_story(call: SimulatedCall) -> None:
    story = tell(call.records)
    data = data_of(page(story, "call.jsonl"))
    assert len(data["marks"]) == len(story.marks)
    assert data["said"]["peaks"] == story.said.peaks.tolist()
    assert data["turns"][1] == {
        "caller": [4.0, 5.5],
        "answer": [6.2, 8.04],
        "transcript": 5.98,
        "hops": [0.48, 0.68, 0.7],
    }
    assert data["interruptions"] == [{"t": 8.0, "seconds": 0.04}]
    assert data["reason"] == "terminated by the scenario"
    assert data["failure"] is None


def test_it_opens_where_it_is_told(call: SimulatedCall) -> None:
    story = tell(call.records)
    assert data_of(page(story, "call.jsonl"))["around"] is None
    html = page(story, "call.jsonl", around=8.0)
    assert data_of(html)["around"] == 8.0
    assert "if (data.around !== null) look(data.around - 5, data.around + 5);" in html


def test_it_stands_alone(call: SimulatedCall) -> None:
    html = page(tell(call.records), "call.jsonl")
    markup = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.S)
    assert re.findall(r"""(?:src|href|url\()=?["'(]?(?!data:)[a-z/.]+""", markup) == []
    assert "default-src 'none'" in markup
    assert not re.search(r"https?:|@import|fetch\(|XMLHttpRequest|innerHTML", markup)


def test_a_name_that_is_no_text_is_spelt_out() -> None:
    html = page(tell([HEAD]), "call\udcff.jsonl")
    html.encode()
    assert data_of(html)["title"] == "call\\udcff.jsonl"


def test_no_text_gets_out_of_its_place() -> None:
    nasty = "</script><script>alert(1)</script><!-- {{data}} {{title}}"
    html = page(tell([{**HEAD, "scenario": nasty}, {"t": 1.0, "kind": "log", "message": nasty}]), f"{nasty}.jsonl")
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    assert "alert(1)</title>" not in html
    assert data_of(html)["marks"][0]["what"] == nasty
