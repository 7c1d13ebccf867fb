"""Whole conversations with the local agent in virtual time, with its real ears and voice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.localagent.caller import (
    ADDRESS,
    BOOK,
    GOODBYE,
    HOURS,
    NONSENSE,
    Caller,
    at_once,
    converse,
    slowly,
    spoken_by_caller,
)

from voxrun.localagent.script import load_script
from voxrun.localagent.speaking import Speech
from voxrun.localagent.tools import TOOL_SECONDS
from voxrun.localagent.voice import RATE, Voice
from voxrun.protocol.elevenlabs.agents_client import Initiated
from voxrun.transports.websocket import Closed

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

pytestmark = pytest.mark.slow  # half a second each: the agent really listens and speaks
SCRIPT = load_script()
NO_SENSE = SCRIPT.not_understood
GREETED = 4.0
"""Seconds after which the greeting has been heard."""


async def greeted(caller: Caller) -> None:
    await caller.until("agent_response")
    await trio.sleep(GREETED)


async def booked(caller: Caller) -> None:
    """Until the agent has begun to say that there is an appointment."""
    await greeted(caller)
    caller.say(BOOK)
    await caller.until("agent_response", 2)


def test_the_metadata_comes_first_and_the_greeting_at_once() -> None:
    caller = converse(greeted)
    first = caller.received[0][1]
    assert isinstance(first, Initiated)
    assert (first.input_format.name, first.output_format.name) == ("pcm_16000", "pcm_16000")
    assert caller.responses == [SCRIPT.greeting]
    assert caller.times_of("agent_response")[0] < 0.1


def test_speech_is_the_voices_and_comes_in_chunks_faster_than_real_time() -> None:
    caller = converse(greeted)
    pieces = caller.audio_of(1)
    speech = Voice().say(SCRIPT.greeting)
    assert np.array_equal(np.concatenate([samples for _, samples in pieces]), speech)
    assert max(len(samples) for _, samples in pieces) == RATE // 4
    took = pieces[-1][0] - pieces[0][0]
    assert speech.size / RATE / 6 < took < speech.size / RATE / 4


def test_dynamic_variables_are_in_what_it_says_and_asks(tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text(
        'greeting = "Hello {name}"\nnot_understood = "Sorry, {name}?"\ntool_failed = "Oh, {name}."\n'
        '[[turn]]\nexpects = ["Goodbye"]\nsays = "{name}, {a} of {b}"\ntool = "look"\n'
        'parameters = { who = "{name}", many = 2 }\n'
    )

    async def main(caller: Caller) -> None:
        for number, text in enumerate(["what?", "goodbye", "goodbye"]):
            caller.send(caller.protocol.user_message({"text": text}))
            if number:
                await caller.until("client_tool_call", number)
                caller.answer('{"a": 1, "b": [2]}', is_error=number == 2, call=number - 1)
            await caller.until("agent_response", number + 2)
            await trio.sleep(3)

    async def greeted_first(caller: Caller) -> None:
        await greeted(caller)
        await main(caller)

    caller = converse(greeted_first, script, initiation={"dynamic_variables": {"name": "Ada", "n": None}})
    assert caller.responses == ["Hello Ada", "Sorry, Ada?", "Ada, 1 of [2]", "Oh, Ada."]
    assert caller.of_type("client_tool_call")[0].payload.parameters == {"who": "Ada", "many": 2}


def test_a_tool_is_called_and_its_result_is_spoken() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(HOURS)
        await caller.until("client_tool_call")
        await trio.sleep(3)
        caller.answer("ten to four")
        await caller.until("agent_response", 2)

    caller = converse(main)
    call = caller.of_type("client_tool_call")[0].payload
    assert (call.tool_name, call.parameters) == ("opening_hours", {"day": "today"})
    assert caller.transcripts == [HOURS]
    assert caller.responses[1].startswith("ten to four: those are our opening hours today.")
    said, asked, answered = (
        caller.times_of(kind)[-1] for kind in ("user_transcript", "client_tool_call", "agent_response")
    )
    assert said <= asked == pytest.approx(answered - 3, abs=0.05)


def test_a_tool_that_reports_an_error() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(HOURS)
        await caller.until("client_tool_call")
        caller.answer("no such tool", is_error=True)
        await caller.until("agent_response", 2)

    assert converse(main).responses[1] == SCRIPT.tool_failed


def test_a_tool_that_does_not_answer_and_then_does_so_too_late() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(HOURS)
        await caller.until("agent_response", 2)
        caller.answer("nine to five")
        await trio.sleep(10)

    caller = converse(main)
    assert caller.responses[1:] == [SCRIPT.tool_failed]
    assert caller.times_of("agent_response")[1] - caller.times_of("client_tool_call")[0] == pytest.approx(TOOL_SECONDS)


def test_results_nobody_asked_for_and_second_ones_change_nothing() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.send(caller.protocol.client_tool_result({"tool_call_id": "call_0", "result": "made up"}))
        caller.say(HOURS)
        await caller.until("client_tool_call")
        caller.send(caller.protocol.client_tool_result({"tool_call_id": "call_0", "result": "made up"}))
        await trio.sleep(1)
        caller.answer("nine to five")
        await caller.until("agent_response", 2)
        caller.answer("noon to one")
        await trio.sleep(3)

    caller = converse(main)
    assert len(caller.responses) == 2
    assert caller.responses[1].startswith("nine to five")


def test_what_it_did_not_understand_it_says_so() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(NONSENSE)
        await caller.until("agent_response", 2)

    caller = converse(main)
    assert caller.transcripts == ["…"]
    assert caller.responses[1] == NO_SENSE


def test_the_answer_comes_soon_after_the_caller_has_finished() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        begins.append(trio.current_time())
        caller.say(BOOK)
        await caller.until("agent_response", 2)

    begins: list[float] = []
    caller = converse(main)
    finished = begins[0] + spoken_by_caller(BOOK).size / RATE
    assert caller.transcripts == [BOOK]
    assert 0.3 < caller.times_of("agent_response")[1] - finished < 0.9


@pytest.mark.parametrize("piece_bytes", [2 * RATE // 40, 640, 2 * RATE // 10])
def test_barge_in_is_told_within_300_ms(piece_bytes: int) -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(HOURS)
        await caller.until("client_tool_call")
        caller.answer("nine to five")
        await caller.until("agent_response", 2)
        await trio.sleep(2.5)
        begins.append(trio.current_time() + piece_bytes / 2 / RATE)  # a piece is sent when its first sample is heard
        caller.say(BOOK)
        await caller.until("agent_response", 3)

    begins: list[float] = []
    caller = converse(main, piece_bytes=piece_bytes)
    (interruption,) = caller.of_type("interruption")
    (correction,) = caller.of_type("agent_response_correction")
    event_id = caller.of_type("agent_response")[1].payload.event_id
    assert interruption.payload.event_id == correction.payload.event_id == event_id
    assert 0 < caller.times_of("interruption")[0] - begins[0] <= 0.3
    assert caller.protocol.stale_audio == 0
    assert correction.payload.original_agent_response == caller.responses[1]
    said = correction.payload.corrected_agent_response.removesuffix("…")
    assert caller.responses[1].startswith(said)
    assert 0.2 < len(said) / len(caller.responses[1]) < 0.5
    assert caller.responses[2].startswith("You are booked")


def test_audio_still_to_be_sent_is_not_sent_after_a_barge_in() -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        caller.send(caller.protocol.user_message({"text": BOOK}))
        await caller.until("agent_response", 2)
        await trio.sleep(5)

    caller = converse(main)
    assert caller.of_type("interruption")[0].payload.event_id == 1
    assert sum(len(samples) for _, samples in caller.audio_of(1)) < Voice().say(SCRIPT.greeting).size / 2
    assert caller.protocol.stale_audio == 0


@pytest.mark.parametrize(("share", "said"), [(0.0, ""), (0.26, "one"), (0.5, "one two"), (1.0, "one two three four")])
def test_how_much_was_said(share: float, said: str) -> None:
    assert Speech("one two three four", 1, 10.0, 8.0).said_until(10 + 8 * share) == said


def test_speech_after_the_agent_has_finished_is_no_barge_in() -> None:
    async def main(caller: Caller) -> None:
        await booked(caller)
        await trio.sleep(5)
        caller.say(ADDRESS)
        await caller.until("agent_response", 3)

    caller = converse(main)
    assert caller.of_type("interruption") == []
    assert caller.responses[2].startswith("We are at twelve River Street")


def test_a_caller_who_speaks_while_a_tool_runs_has_the_floor() -> None:
    """The agent doesn't answer into the caller's sentence, and the late result is of no use any more."""

    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(HOURS)
        await caller.until("client_tool_call")
        caller.say(BOOK)
        await trio.sleep(0.6)
        caller.answer("nine to five")
        await caller.until("agent_response", 2)
        await trio.sleep(5)

    caller = converse(main)
    assert caller.transcripts == [HOURS, BOOK]
    assert [response[:14] for response in caller.responses[1:]] == ["You are booked"]
    assert caller.of_type("interruption") == []


def test_a_typed_message_is_a_turn_and_takes_the_floor() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.send(caller.protocol.user_message({"text": "can i book an appointment"}))
        await caller.until("agent_response", 2)
        await trio.sleep(1)
        caller.send(caller.protocol.user_message({"text": ADDRESS}))
        await caller.until("agent_response", 3)
        await trio.sleep(8)
        caller.send(caller.protocol.user_message({"text": "xyzzy"}))
        await caller.until("agent_response", 4)

    caller = converse(main)
    assert [response[:9] for response in caller.responses[1:]] == ["You are b", "We are at", NO_SENSE[:9]]
    assert [message.payload.event_id for message in caller.of_type("interruption")] == [2]
    assert caller.transcripts == []


def test_of_two_messages_at_once_the_last_is_answered_and_no_tool_called_in_vain() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        for text in (HOURS, ADDRESS, BOOK):
            caller.send(caller.protocol.user_message({"text": text}))
        await trio.sleep(6)

    caller = converse(main)
    assert [response[:14] for response in caller.responses[1:]] == ["You are booked"]
    assert caller.of_type("client_tool_call") == []


def test_a_turn_that_is_over_says_nothing_although_its_speech_was_in_the_making() -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        await trio.sleep(GREETED)
        for text in (ADDRESS, BOOK):
            caller.send(caller.protocol.user_message({"text": text}))
            await trio.sleep(0.1)
        await trio.sleep(6)

    caller = converse(main, offload=slowly)
    assert [response[:14] for response in caller.responses[1:]] == ["You are booked"]
    assert caller.of_type("interruption") == []


def test_whoever_goes_on_speaking_is_answered_when_he_has_finished() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(BOOK)
        await trio.sleep(spoken_by_caller(BOOK).size / RATE + 0.7)
        caller.say(ADDRESS)
        await trio.sleep(9)

    caller = converse(main, offload=slowly)
    assert caller.transcripts == [BOOK, ADDRESS]
    assert [response[:9] for response in caller.responses[1:]] == ["We are at"]
    assert caller.of_type("interruption") == []


def test_the_recogniser_holds_nobody_up_for_longer_than_a_piece_of_its_work() -> None:
    async def noting(work: Callable[..., object], *args: object) -> object:
        done.append(work)
        return await at_once(work, *args)

    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(GOODBYE)
        await caller.until("user_transcript")

    done: list[Callable[..., object]] = []
    assert converse(main, offload=noting).transcripts == [GOODBYE]
    assert done.count(next) >= spoken_by_caller(GOODBYE).size / RATE / 0.05


def test_a_message_right_after_the_initiation_replaces_the_greeting() -> None:
    async def main(caller: Caller) -> None:
        caller.send(caller.protocol.user_message({"text": BOOK}))
        await trio.sleep(6)

    assert [response[:14] for response in converse(main).responses] == ["You are booked"]


@pytest.mark.parametrize("data", [{"text": ""}, {"text": None}, {}])
def test_an_empty_message_is_nothing(data: dict[str, object]) -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.send(caller.protocol.user_message(data))
        await trio.sleep(3)

    assert converse(main).responses == [SCRIPT.greeting]


def test_what_needs_no_answer_gets_none() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.send(caller.protocol.contextual_update({"text": "the caller is in a hurry"}))
        caller.send(caller.protocol.user_activity())
        caller.send(caller.protocol.feedback({"event_id": 1, "score": "like"}))
        caller.send(caller.protocol.mcp_tool_approval_result({"tool_call_id": "x", "is_approved": True}))
        await trio.sleep(3)

    caller = converse(main)
    assert caller.responses == [SCRIPT.greeting]
    assert caller.closed is None


def test_the_pings_tell_how_long_the_pongs_took() -> None:
    async def main(caller: Caller) -> None:
        caller.socket.send('{"type":"pong","event_id":77}')
        await trio.sleep(7)

    caller = converse(main, pong_seconds=0.12)
    pings = [dict(message.ping_event) for message in caller.of_type("ping")]
    assert pings[0] == {"event_id": 1, "ping_ms": None}
    assert [ping["event_id"] for ping in pings[1:]] == [2, 3, 4]
    assert {ping["ping_ms"] for ping in pings[1:]} <= {120, 121}
    assert caller.times_of("ping") == pytest.approx([0, 2, 4, 6], abs=0.05)


def test_a_pong_at_once_took_1_ms() -> None:
    async def main(_: Caller) -> None:
        await trio.sleep(3)

    assert [message.ping_event.ping_ms for message in converse(main).of_type("ping")] == [None, 1]


def test_without_pongs_there_is_nothing_to_tell() -> None:
    async def main(_: Caller) -> None:
        await trio.sleep(5)

    pings = converse(main, pong_seconds=9.0).of_type("ping")
    expected = [{"event_id": number, "ping_ms": None} for number in (1, 2, 3)]
    assert [dict(message.ping_event) for message in pings] == expected


def test_the_vad_score_follows_the_caller() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        begins.append(trio.current_time())
        caller.say(BOOK)
        await trio.sleep(spoken_by_caller(BOOK).size / RATE + 1)

    begins: list[float] = []
    caller = converse(main)
    times = caller.times_of("vad_score")
    scores = [message.payload.vad_score for message in caller.of_type("vad_score")]
    assert times == pytest.approx([0.18 + 0.2 * number for number in range(len(times))], abs=0.05)
    before = [score for at, score in zip(times, scores, strict=True) if at < begins[0]]
    during = [score for at, score in zip(times, scores, strict=True) if begins[0] + 0.4 < at < begins[0] + 1.2]
    assert set(before) == {0.0}
    assert min(during) > 0.5
    assert scores[-1] == 0


def test_goodbye_is_fully_sent_then_the_agent_hangs_up() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(GOODBYE)
        await caller.until_closed()

    caller = converse(main)
    goodbye = caller.of_type("agent_response")[1].payload
    assert goodbye.agent_response == "Thank you for calling Riverside Dental. Goodbye!"
    pieces = caller.audio_of(goodbye.event_id)
    speech = Voice().say(goodbye.agent_response)
    assert np.array_equal(np.concatenate([samples for _, samples in pieces]), speech)
    (end,) = caller.of_type("agent_tool_response")
    assert (end.payload.tool_name, end.payload.tool_type) == ("end_call", "system")
    assert caller.times_of("agent_tool_response")[0] == pytest.approx(pieces[0][0] + speech.size / RATE, abs=0.05)
    assert caller.closed == Closed(1000, "the agent has ended the conversation", was_clean=True)


def test_a_caller_who_speaks_over_the_goodbye_is_not_hung_up_on() -> None:
    async def main(caller: Caller) -> None:
        await greeted(caller)
        caller.say(GOODBYE)
        await caller.until("agent_response", 2)
        await trio.sleep(1)
        caller.say(BOOK)
        await caller.until("agent_response", 3)
        await trio.sleep(5)

    caller = converse(main)
    assert caller.responses[2].startswith("You are booked")
    assert caller.closed is None
