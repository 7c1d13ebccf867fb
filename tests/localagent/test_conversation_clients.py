"""Clients that break the rules, come in pieces, leave at any moment or come together: the agent goes on."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from tests.localagent.caller import (
    ADDRESS,
    BOOK,
    GOODBYE,
    HOURS,
    NONSENSE,
    URL,
    Caller,
    calling,
    converse,
    spoken_by_caller,
    with_agent,
)

from voxrun.localagent.script import load_script
from voxrun.localagent.voice import RATE
from voxrun.transports.network import Network
from voxrun.transports.websocket import Closed, open_websocket

pytestmark = pytest.mark.slow  # half a second each: the agent really listens and speaks

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

SCRIPT = load_script()


async def greeted(caller: Caller) -> None:
    await caller.until("agent_response")
    await trio.sleep(4)


@pytest.mark.parametrize("size", [1, 639, 641, 8000])
def test_audio_may_come_in_pieces_of_any_size(size: int) -> None:
    """8000 bytes are the 250 ms of the Python SDK; single bytes for a moment only, as they are a flood."""

    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        audio = bytes(32_000 * 4) + spoken_by_caller(BOOK).tobytes() + bytes(32_000)
        if size == 1:
            for number in range(641):
                caller.send(caller.protocol.audio(audio[number : number + 1]))
            audio = audio[641:]
        caller.send(caller.protocol.audio(b""))
        step = max(size, 639)
        for start in range(0, len(audio), step):
            caller.send(caller.protocol.audio(audio[start : start + step]))
            await trio.sleep(step / 32_000)
        await caller.until("agent_response", 2)

    caller = converse(main, talks=False)
    assert caller.transcripts == [BOOK]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("junk", "JSON"),
        ("[]", "object"),
        ('{"type":"no_such_message"}', "no_such_message"),
        ('{"user_audio_chunk":"%%%"}', "base64"),
        ('{"type":"user_message","text":5}', "text"),
        ('{"type":"client_tool_result","tool_call_id":"call_1","result":{},"is_error":false}', "result"),
        ('{"type":"conversation_initiation_client_data"}', "second time"),
        (b"\xff\xfe", ""),
    ],
)
def test_junk_ends_the_conversation_with_1008_and_a_reason(frame: str | bytes, reason: str) -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        caller.socket.send(frame)
        await caller.until_closed()

    closed = converse(main).closed
    assert closed is not None
    assert (closed.code, closed.was_clean) == (1008, True)
    assert closed.reason
    assert reason.lower() in closed.reason.lower()


AUDIO = '{"user_audio_chunk":"%s"}' % ("AAAA" * 3000)
PONG = '{"type":"pong","event_id":1}'
LEAVING = '{"type":"user_message","text":"Goodbye."}'


@pytest.mark.parametrize("frame", [AUDIO, PONG, LEAVING])
def test_a_client_that_does_not_begin_with_its_initiation_is_told_so(frame: str) -> None:
    async def main(network: Network) -> None:
        async with open_websocket(network, URL) as socket:
            for text in (frame, frame, '{"type":"conversation_initiation_client_data"}', frame):
                socket.send(text)
            closed = await socket.pump(lambda _: None)
        assert closed == Closed(1008, "conversation_initiation_client_data must come first", was_clean=True)

    with_agent(main)


async def at_once(caller: Caller) -> None:
    assert caller.received == []


async def until_greeting(caller: Caller) -> None:
    await caller.until("agent_response")


async def until_caller_talks(caller: Caller) -> None:
    await greeted(caller)
    caller.say(BOOK)
    await trio.sleep(0.5)


async def until_tool(caller: Caller) -> None:
    await greeted(caller)
    caller.say(HOURS)
    await caller.until("client_tool_call")


async def until_answer(caller: Caller) -> None:
    await greeted(caller)
    caller.say(BOOK)
    await caller.until("agent_response", 2)


async def until_interruption(caller: Caller) -> None:
    await until_answer(caller)
    caller.say(BOOK)
    await caller.until("interruption")


async def until_end(caller: Caller) -> None:
    await greeted(caller)
    caller.say(GOODBYE)
    await caller.until("agent_tool_response")


@pytest.mark.parametrize("way", ["closes", "vanishes"])
@pytest.mark.parametrize(
    "moment",
    [
        at_once,
        until_greeting,
        until_caller_talks,
        until_tool,
        until_answer,
        until_interruption,
        until_end,
    ],
)
def test_a_caller_who_leaves_at_any_point_leaves_nothing_behind(
    moment: Callable[[Caller], Awaitable[None]], way: str
) -> None:
    """`with_agent` counts the tasks."""

    async def main(network: Network) -> None:
        with trio.CancelScope() as scope:
            async with calling(network) as caller:
                await moment(caller)
                if way == "vanishes":
                    scope.cancel()
                    await trio.lowlevel.checkpoint()
        async with calling(network) as other:
            await other.until("agent_response")
        assert other.responses == [SCRIPT.greeting]

    with_agent(main)


def test_what_a_caller_said_who_left_before_it_was_recognised_is_not_the_next_ones() -> None:
    async def cancellable(work: Callable[..., object], *args: object) -> object:
        await trio.sleep(0.5)
        return work(*args)

    async def main(network: Network) -> None:
        async with calling(network) as caller:
            await greeted(caller)
            caller.say(ADDRESS)
            await trio.sleep(spoken_by_caller(ADDRESS).size / RATE + 0.9)  # the recogniser has it
        assert caller.transcripts == []
        async with calling(network) as caller:
            await greeted(caller)
            caller.say(BOOK)
            await caller.until("user_transcript")
        assert caller.transcripts == [BOOK]

    with_agent(main, offload=cancellable)


def test_callers_do_not_disturb_each_other() -> None:
    async def main(network: Network) -> None:
        async with trio.open_nursery() as nursery:
            for text in said:
                nursery.start_soon(one, network, text)

    async def one(network: Network, text: str) -> None:
        async with calling(network) as caller:
            await greeted(caller)
            caller.say(text)
            await caller.until("agent_response", 2)
            assert caller.transcripts == [said[text]]

    said = {BOOK: BOOK, ADDRESS: ADDRESS, NONSENSE: "…"}
    with_agent(main)
