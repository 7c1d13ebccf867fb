"""What clients tell the agent, and how it shows in what it says."""

from pathlib import Path

import pytest
import trio
from tests.localagent.caller import Caller, converse, write_script

from voxrun.localagent.knowledge import LONGEST, MEMORY, Knowledge, filled, result_values


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("{result}, please", {"result": "nine"}, "nine, please"),
        ("{from} to {to}", {"from": 9, "to": 5}, "9 to 5"),
        ("Hello {name}", {}, "Hello"),
        ("Hello {{name}}!", {"name": "Ada"}, "Hello Ada!"),
        ("no names {} { x } {{ x }} {{}}", {"x": 1}, "no names {} { x } {{ x }} {{}}"),
        ("{a}", {"a": "{b}", "b": "twice"}, "{b}"),
    ],
)
def test_placeholders(text: str, values: dict[str, object], expected: str) -> None:
    assert filled(text, values) == expected


@pytest.mark.parametrize(
    ("result", "values"),
    [
        ("nine to five", {"result": "nine to five"}),
        ('{"open": 9, "result": "no"}', {"open": 9, "result": '{"open": 9, "result": "no"}'}),
        ("[1, 2]", {"result": "[1, 2]"}),
        ("", {"result": ""}),
        ("[" * 100_000, {"result": "[" * 100_000}),
        (r'{"a": "\ud800"}', {"result": r'{"a": "\ud800"}'}),  # half a surrogate pair could be neither said nor sent
    ],
)
def test_what_a_result_gives(result: str, values: dict[str, object]) -> None:
    assert result_values(result) == values


def test_updates_add_up_and_of_one_id_the_latest_counts() -> None:
    knowledge = Knowledge({"seat": "none", "context": "never"})
    assert knowledge.fill("{context}|{seat}") == "|none"
    knowledge.update("It rains.", None)
    knowledge.update("seat 5", "seat")
    knowledge.update("It rains.", None)
    assert knowledge.fill("{context}|{seat}") == "It rains. seat 5 It rains.|seat 5"
    knowledge.update("seat 6", "seat")
    assert knowledge.fill("{context}|{seat}") == "It rains. It rains. seat 6|seat 6"


def test_a_result_goes_before_all_else() -> None:
    knowledge = Knowledge({"a": 1})
    knowledge.update("2", "a")
    assert knowledge.fill("{a}") == "2"
    assert knowledge.fill("{a} {result}", '{"a": 3}') == '3 {"a": 3}'


def test_ratings_can_be_taken_back() -> None:
    knowledge = Knowledge({})
    for event_id, score, expected in ((1, "like", "like"), (2, "dislike", "dislike"), (2, None, "like"), (1, None, "")):
        knowledge.rate(event_id, score)
        assert knowledge.fill("{feedback}") == expected
    knowledge.rate(9, None)
    assert knowledge.fill("{feedback}") == ""


def test_what_is_remembered_is_bounded_and_what_is_forgotten_counted() -> None:
    knowledge = Knowledge({})
    for number in range(MEMORY + 2):
        knowledge.update(f"u{number}", None)
        knowledge.rate(number, "like")
    assert knowledge.forgotten == 4
    updates = knowledge.fill("{context}").split()
    assert (len(updates), updates[0], updates[-1]) == (MEMORY, "u2", f"u{MEMORY + 1}")


def test_long_texts_are_cut() -> None:
    knowledge = Knowledge({"long": "x" * (LONGEST + 1)})
    knowledge.update("y" * (LONGEST + 1), "new")
    assert (knowledge.fill("{long}"), knowledge.fill("{new}")) == ("x" * LONGEST, "y" * LONGEST)
    assert knowledge.fill("{new}{long}") == "y" * LONGEST


def test_every_message_of_a_client_shows_in_the_answer(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="needs the local-agent extra")
    pytest.importorskip("webrtcvad", reason="needs the local-agent extra")
    pytest.importorskip("pocketsphinx", reason="needs the local-agent extra")

    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        protocol = caller.protocol
        await trio.sleep(2)
        caller.send(protocol.contextual_update({"text": "It rains."}))
        caller.send(protocol.contextual_update({"text": "at home", "context_id": "place"}))
        caller.send(protocol.feedback({"event_id": 1, "score": "dislike"}))
        caller.send(protocol.multimodal_message({"file": {"type": "file_input", "file_id": "scan-7"}}))
        await trio.sleep(1)
        assert len(caller.responses) == 1
        caller.send(protocol.multimodal_message({"text": {"type": "user_message", "text": "Goodbye"}}))
        await caller.until("agent_response", 2)
        await trio.sleep(5)
        caller.send(protocol.contextual_update({"text": "abroad", "context_id": "place"}))
        caller.send(protocol.feedback({"event_id": 1, "score": None}))
        caller.send(protocol.user_message({"text": "goodbye"}))
        await caller.until("agent_response", 3)

    caller = converse(main, write_script(tmp_path, says="{context} You are {place}. {feedback} {file}"))
    assert caller.responses[1:] == ["It rains. at home You are at home. dislike scan-7", caller.responses[2]]
    assert caller.responses[2] == "It rains. abroad You are abroad.  scan-7"
