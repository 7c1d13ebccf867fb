"""Calls from a provider to scenarios that are served, in virtual time."""

import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import trio
import trio.testing
from tests.agent_service import API_KEY, AgentService, Conversation
from tests.cli.command import read_wav
from tests.kit import tone
from tests.serving.phone_caller import ECHO, HOST, Served, calling, served

from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.errors import RemoteError
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated, UserAudio
from voxrun.serving.common_table import CommonTable
from voxrun.serving.doors import Keys
from voxrun.serving.host import HostSettings
from voxrun.serving.phone import MESSAGE_LIMIT
from voxrun.serving.routes import Route, Routes
from voxrun.transports.http import http_request
from voxrun.transports.network import MemoryNetwork

ROOT = Path(__file__).parents[2]


def run(main: Callable[[], Awaitable[None]]) -> None:
    """In virtual time."""
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    path = tmp_path / "echo.py"
    path.write_text(ECHO)
    return path


def write(path: Path, source: str) -> Path:
    path.write_text(f"from voxrun import *\n{source}")
    return path


async def refused(place: Served, why: str) -> None:
    """A call that is not let in now."""
    with pytest.raises(RemoteError, match=why) as caught:
        async with calling(place):
            raise AssertionError
    assert caught.value.code == 503


def test_a_receptionist_answers_a_phone_number_and_is_interrupted() -> None:
    said = tone(8000, 1.0, 300.0)

    async def talk(conversation: Conversation) -> None:
        await conversation.wait_for(ConversationInitiated)
        conversation.greet()
        conversation.speak(1, tone(16_000, 10.0, 500.0), "Hello, this is a long greeting.")
        await conversation.wait_for(UserAudio)
        await trio.sleep(2.0)
        conversation.interrupt(1)
        await trio.sleep(1.0)
        conversation.socket.close()

    async def main() -> None:
        network = MemoryNetwork()
        service = AgentService(talk)
        scenario = ROOT / "scenarios" / "receptionist.py"
        async with (
            trio.open_nursery() as nursery,
            served(scenario, network=network, secrets={"ELEVENLABS_API_KEY": API_KEY}) as place,
        ):
            await service.start(network, nursery)
            async with calling(place) as call:
                call.start(callerid="+493012345", destination="+15550100")
                await call.say(said)
                closed = await call.over()
            assert closed.is_ordinary
            (clear,) = call.of("clear")
            sounding = [time for time, message in call.of("media") if _is_loud(message)]
            assert sounding[-1] <= clear[0] + 0.02
            assert clear[0] - sounding[0] == pytest.approx(2.0, abs=0.1)
            heard = np.frombuffer(service.conversations[0].heard, "<i2").astype(float)
            assert np.abs(heard).max() > 8000
            assert place.host.counters.sessions == {"well": 1}
            assert place.host.counters.calls == {"twilio": 1}
            nursery.cancel_scope.cancel()

    run(main)


def _is_loud(message: dict[str, object]) -> bool:
    payload = message["media"]["payload"]  # type: ignore[index]
    return bool(np.abs(decode_ulaw(b64decode(payload))).max() > 100)


def test_an_echo_is_what_was_said(echo: Path) -> None:
    said = tone(8000, 1.0)

    async def main() -> None:
        async with served(echo) as place, calling(place) as call:
            call.start()
            await trio.sleep(0.1)
            await call.say(said)
            call.hang_up()
            await call.over()
            whole = 49 * 160  # the last frame may still be on its way
            assert np.array_equal(call.heard[:whole], decode_ulaw(encode_ulaw(said))[:whole])

    run(main)


def test_the_scenario_knows_who_calls(tmp_path: Path) -> None:
    path = write(
        tmp_path / "who.py",
        """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    Logger.write(f"{event.callerid} {event.destination} {event.displayName} {event.customData} {dict(event.headers)}")
    call.answer(); call.hangup(); VoxEngine.terminate()
""",
    )
    logged: list[str] = []

    async def main() -> None:
        async with served(path, Keys(token="secret-token")) as place:
            place.host.observers.append(_Keeper(logged))
            async with calling(place, "/media/twilio?token=secret-token&destination=+2&line=3") as call:
                call.start(callerid="+1", customData="data", displayName="Ann", order="17")
                await call.over()

    run(main)
    headers = {"Call-ID": "CA1", "line": "3", "order": "17"}
    assert logged == [f"+1  2 Ann data {headers}"]  # in a query, + is a space


class _Keeper:
    """Keeps what sessions log."""

    def __init__(self, logged: list[str]) -> None:
        self._logged = logged

    def began(self, running: object) -> None:
        """Nothing yet."""

    def ended(self, running: object) -> None:
        """Look into its trace."""
        records = [json.loads(line) for line in running.session.trace_log.lines()]  # type: ignore[attr-defined]
        self._logged += [record["message"] for record in records if record["kind"] == "log"]


def test_scenarios_are_chosen_by_number_and_by_path(tmp_path: Path) -> None:
    source = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    Logger.write("{name}")
    event.call.reject(486)
    VoxEngine.terminate()
"""
    names = ("berlin", "sales", "others")
    paths = {name: write(tmp_path / f"{name}.py", source.format(name=name)) for name in names}
    routes = Routes(paths["others"], [Route("+4930*", paths["berlin"]), Route("/media/*/sales", paths["sales"])])
    logged: list[str] = []

    async def main() -> None:
        async with served(HostSettings(routes=routes)) as place:
            place.host.observers.append(_Keeper(logged))
            for path, number in (("", "+493012345"), ("/sales", "+1"), ("", "+1"), ("", "../../sales.py")):
                async with calling(place, f"/media/twilio{path}") as call:
                    call.start(destination=number)
                    await call.over()

    run(main)
    assert logged == ["berlin", "sales", "others", "others"]


def test_a_number_that_nobody_serves_is_told_so(echo: Path) -> None:
    async def main() -> None:
        async with served(HostSettings(routes=Routes(None, [Route("+49*", echo)]))) as place, calling(place) as call:
            call.start(destination="+1")
            closed = await call.over()
            assert (closed.code, closed.reason) == (1008, "there is no scenario for this number")
            assert place.refusals == {"route": 1}

    run(main)


def test_new_calls_get_the_new_version_and_those_that_run_keep_theirs(tmp_path: Path) -> None:
    source = """
import words
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.answer()
    event.call.addEventListener(CallEvents.Disconnected, end)
def end(event):
    Logger.write("{version} " + words.WORD)
    VoxEngine.terminate()
"""
    path = write(tmp_path / "versions.py", source.format(version="first"))
    (tmp_path / "words.py").write_text("WORD = 'one'")
    logged: list[str] = []

    async def main() -> None:
        async with served(path) as place:
            place.host.observers.append(_Keeper(logged))
            async with calling(place) as old:
                old.start()
                await trio.sleep(0.2)
                write(path, source.format(version="second"))
                (tmp_path / "words.py").write_text("WORD = 'two'")
                async with calling(place) as new:
                    new.start()
                    await trio.sleep(0.2)
                    new.hang_up()
                    await place.over(1)
                old.hang_up()
                await place.over(2)

    run(main)
    assert logged == ["second two", "first one"]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("raise ZeroDivisionError", "ScenarioError"),
        ("event.call.answer(); event.call.output._graph = None", "InternalError"),
        ("event.call.answer(); event.call._leg.read = None", "InternalError"),
        ("event.call._host.spawn(lambda: 1 / 0)", "InternalError"),
    ],
)
def test_one_sessions_failure_hurts_no_other(tmp_path: Path, echo: Path, body: str, outcome: str) -> None:
    source = f"""
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    {body}
"""
    bad = write(tmp_path / "bad.py", source)
    said = tone(8000, 1.0)

    async def main() -> None:
        settings = HostSettings(routes=Routes(echo, [Route("bad", bad)]), record=tmp_path, trace=tmp_path)
        async with served(settings) as place, calling(place) as good, calling(place) as other:
            good.start()
            await trio.sleep(0.1)
            other.start(destination="bad")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(good.say, said)
                await other.say(said[:1600])
                assert (await other.over()).is_ordinary
            good.hang_up()
            await good.over()
            await place.over(2)
            assert place.host.counters.sessions == {outcome: 1, "well": 1}
            whole = 49 * 160
            assert np.array_equal(good.heard[:whole], decode_ulaw(encode_ulaw(said))[:whole])
            assert place.host.ticker.late == 0

    run(main)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_recordings_and_traces_are_named_by_session_whatever_the_caller_says(tmp_path: Path, echo: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()

    async def main() -> None:
        settings = HostSettings(routes=Routes(echo), record=kept, trace=kept)
        async with served(settings) as place, calling(place) as call:
            call.start(callerid="../../evil", destination="/etc/passwd", customData="../x")
            await call.say(tone(8000, 1.0))
            (session,) = place.host.sessions
            call.hang_up()
            await call.over()
            await place.over(1)
            assert sorted(path.name for path in kept.iterdir()) == [f"{session}.jsonl", f"{session}.wav"]
            recorded = read_wav(kept / f"{session}.wav")
            assert len(recorded) >= 0.9 * 8000
            lines = (kept / f"{session}.jsonl").read_text().splitlines()
            assert json.loads(lines[0])["kind"] == "session"
            assert json.loads(lines[-1])["kind"] == "end"

    run(main)
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "echo.py"}


def test_recordings_without_a_name_do_not_overwrite_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        tmp_path / "record.py",
        """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    event.call.record()
""",
    )
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        async with served(path) as place, calling(place) as one, calling(place) as two:
            for call in (one, two):
                call.start()
                await call.say(tone(8000, 0.5))
                call.hang_up()
            await place.over(2)

    run(main)
    assert len(list(tmp_path.glob("*-recording-1.wav"))) == 2


@pytest.mark.parametrize("kept", ["record", "trace"])
def test_a_folder_that_is_gone_costs_its_file_and_not_the_call(tmp_path: Path, echo: Path, kept: str) -> None:
    gone = tmp_path / "gone"

    async def main() -> None:
        settings = HostSettings(
            routes=Routes(echo), record=gone if kept == "record" else None, trace=gone if kept == "trace" else None
        )
        async with served(settings) as place, calling(place) as call:
            call.start()
            await call.say(tone(8000, 0.5))
            call.hang_up()
            await call.over()
            await place.over(1)
            assert place.host.counters.sessions == {"DeviceError": 1}
            assert np.abs(call.heard).max() > 5000

    run(main)


def test_a_stream_that_does_not_start_is_given_up(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place, calling(place) as call:
            begin = trio.current_time()
            closed = await call.over()
            assert trio.current_time() - begin == pytest.approx(10.0, abs=0.1)
            assert (closed.code, closed.reason) == (1002, "the stream did not start within 10 s")
            assert place.refusals == {"slow": 1}

    run(main)


def test_a_breach_closes_with_a_reason(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place, calling(place) as call:
            call.start()
            call.socket.send("nonsense")
            call.start()
            closed = await call.over()
            assert (closed.code, closed.reason) == (1002, "a stream starts once")
            await place.over(1)
            assert place.host.counters.malformed == 1

    run(main)


def test_a_message_that_is_too_long_ends_the_call_and_is_counted(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place, calling(place) as call:
            call.start()
            await trio.sleep(0.5)
            call.socket.send("x" * (MESSAGE_LIMIT + 1))
            closed = await call.over()
            assert closed.code == 1009
            await place.over(1)
            assert place.refusals == {"breach": 1}

    run(main)


def test_health_tells_of_the_calls_of_all_workers(echo: Path, tmp_path: Path) -> None:
    async def main() -> None:
        with (tmp_path / "table").open("wb+") as file:
            file.truncate(CommonTable.size(2))
            CommonTable(file.fileno(), row=2).take(100)
            async with served(echo) as place, calling(place) as call:
                place.host.table = CommonTable(file.fileno(), row=1)
                call.start()
                await trio.sleep(0.1)
                health = await http_request(place.network, "GET", f"http://{HOST}:{place.port}/healthz")
                assert json.loads(health.body) == {"status": "ok", "calls": 2}

    run(main)


def test_a_connection_that_breaks_ends_the_call(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place:
            async with calling(place) as call:
                call.start()
                await trio.sleep(0.5)
            await place.over(1)
            assert place.host.sessions == {}

    run(main)


def test_more_calls_than_may_be_are_refused_before_the_upgrade(echo: Path) -> None:
    async def main() -> None:
        async with served(HostSettings(routes=Routes(echo), max_calls=1)) as place, calling(place) as call:
            call.start()
            await trio.sleep(0.1)
            await refused(place, "as many as may")
            assert place.refusals == {"busy": 1}
            answer = await http_request(place.network, "GET", f"http://{HOST}:{place.port}/twiml")
            assert answer.status == 200
            assert b'<Reject reason="busy"/>' in answer.body
            call.hang_up()
            await place.over(1)
            async with calling(place) as following:
                following.start()
                await trio.sleep(0.1)
                assert len(place.host.sessions) == 1

    run(main)


def test_two_that_come_for_one_seat(echo: Path) -> None:
    async def main() -> None:
        async with (
            served(HostSettings(routes=Routes(echo), max_calls=1)) as place,
            calling(place) as first,
            calling(place) as second,
        ):
            first.start()
            await trio.sleep(0.1)
            second.start()
            assert (await second.over()).code == 1013

    run(main)


def test_draining_waits_for_calls_and_then_ends_them(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place, calling(place) as short, calling(place) as long:
            short.start()
            long.start()
            await trio.sleep(0.1)
            begin = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(place.host.drain, 5.0)
                await trio.sleep(1.0)
                health = await http_request(place.network, "GET", f"http://{HOST}:{place.port}/healthz")
                assert (health.status, json.loads(health.body)) == (503, {"status": "draining", "calls": 2})
                await refused(place, "no new calls")
                short.hang_up()
            assert trio.current_time() - begin == pytest.approx(5.0, abs=0.5)
            assert place.host.sessions == {}
            assert (await long.over()).is_ordinary

    run(main)


def test_an_overloaded_host_takes_no_call(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place:
            await trio.sleep(1.0)
            place.host.ticker.late += 6
            await trio.sleep(0.2)
            await refused(place, "overloaded: the loop lags by 0 ms, 6 ticks were late")
            await trio.sleep(3.0)
            async with calling(place) as call:
                call.start()
                await trio.sleep(0.1)
                assert len(place.host.sessions) == 1

    run(main)


def test_a_health_check(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place:
            health = await http_request(place.network, "GET", f"http://{HOST}:{place.port}/healthz")
            assert (health.status, json.loads(health.body)) == (200, {"status": "ok", "calls": 0})

    run(main)
