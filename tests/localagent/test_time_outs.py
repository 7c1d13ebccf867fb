"""What ends a conversation by itself: its greatest length, silence, and a client that is not there any more."""

from pathlib import Path

import pytest
import trio
from tests.kit import in_virtual_time
from tests.localagent.caller import BOOK, URL, Caller, converse, with_agent, write_script

from voxrun.localagent.conversation import INPUT_SECONDS
from voxrun.localagent.patience import Patience
from voxrun.transports.network import Network
from voxrun.transports.websocket import Closed, open_websocket

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")


def errors_of(caller: Caller) -> list[dict[str, object]]:
    return [dict(message.error_event) for message in caller.of_type("error")]


def test_the_greatest_length(tmp_path: Path) -> None:
    caller = converse(Caller.until_closed, write_script(tmp_path, "max_seconds = 7.5"))
    assert errors_of(caller) == [{"code": 1000, "message": "the limit is 7.5 s", "error_type": "max_duration_exceeded"}]
    assert caller.times_of("error") == [pytest.approx(7.5, abs=0.1)]
    assert caller.closed == Closed(1000, "the limit is 7.5 s", was_clean=True)


def test_silence(tmp_path: Path) -> None:
    times: list[float] = []

    async def main(caller: Caller) -> None:
        await caller.until_closed()
        times.append(trio.current_time())

    caller = converse(main, write_script(tmp_path, "silence_seconds = 5"))
    greeting = sum(len(samples) for _, samples in caller.audio_of(1)) / 16_000
    assert caller.closed == Closed(1000, "nobody said anything for 5 s", was_clean=True)
    assert errors_of(caller) == []
    assert times == [pytest.approx(greeting + 5, abs=0.2)]


@pytest.mark.parametrize("sign", ["talks", "types", "is active"])
def test_silence_begins_anew_with_each_sign_of_life(tmp_path: Path, sign: str) -> None:
    async def main(caller: Caller) -> None:
        for _ in range(4):
            await trio.sleep(3)
            assert caller.closed is None
            if sign == "talks":
                caller.say(BOOK)
            elif sign == "types":
                caller.send(caller.protocol.user_message({"text": "hm"}))
            else:
                caller.send(caller.protocol.user_activity())
        begins.append(trio.current_time())
        await caller.until_closed()
        begins.append(trio.current_time())

    begins: list[float] = []
    caller = converse(main, write_script(tmp_path, "silence_seconds = 4"))
    assert caller.closed is not None
    assert caller.closed.code == 1000
    assert 3.9 < begins[1] - begins[0] < 9


def test_the_agents_own_speech_is_no_silence(tmp_path: Path) -> None:
    says = "this takes quite a while to say, " * 5

    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        caller.send(caller.protocol.user_message({"text": "goodbye"}))
        await caller.until_closed()

    caller = converse(main, write_script(tmp_path, "silence_seconds = 2", says=says))
    speech = sum(len(samples) for _, samples in caller.audio_of(2)) / 16_000
    assert speech > 6
    assert caller.closed == Closed(1000, "nobody said anything for 2 s", was_clean=True)


def test_no_input_for_a_minute_is_a_time_out_whatever_the_pongs(tmp_path: Path) -> None:
    async def main(caller: Caller) -> None:
        await trio.sleep(INPUT_SECONDS - 5)
        caller.send(caller.protocol.user_activity())
        await trio.sleep(INPUT_SECONDS - 1)
        assert caller.closed is None
        await caller.until_closed()

    caller = converse(main, talks=False)
    (error,) = errors_of(caller)
    assert (error["code"], error["error_type"]) == (1002, "transport_receive_timeout")
    assert caller.closed == Closed(1002, "no input for 60 s", was_clean=True)
    assert caller.times_of("error") == [pytest.approx(2 * INPUT_SECONDS - 5, abs=0.1)]


def test_audio_is_input() -> None:
    async def main(caller: Caller) -> None:
        await trio.sleep(3 * INPUT_SECONDS)

    assert converse(main, piece_bytes=8000).closed is None  # a quarter of a second at a time


def test_a_client_that_never_initiates_is_not_kept() -> None:
    async def main(network: Network) -> None:
        messages: list[str | bytes] = []
        async with open_websocket(network, URL) as socket:
            closed = await socket.pump(messages.append)
        assert (closed, messages) == (Closed(1002, "no input for 60 s", was_clean=True), [])
        assert INPUT_SECONDS <= trio.current_time() < INPUT_SECONDS + 2

    with_agent(main)


def test_junk_is_told_before_the_close() -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        caller.socket.send("junk")
        await caller.until_closed()

    caller = converse(main)
    (error,) = errors_of(caller)
    assert (error["code"], error["error_type"]) == (1008, "invalid_message")
    assert caller.closed is not None
    assert (caller.closed.code, caller.closed.reason) == (1008, error["message"])


def test_patience_that_is_renewed_into_the_future() -> None:
    async def main() -> None:
        patience = Patience(5)
        patience.renew(trio.current_time() + 10)
        await patience.run_out()
        assert trio.current_time() == pytest.approx(15)
        patience.renew()
        await patience.run_out()
        assert trio.current_time() == pytest.approx(20)

    in_virtual_time(main)
