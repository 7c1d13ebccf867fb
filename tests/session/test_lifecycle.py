"""A session's life: Started, the call, Terminating, Terminated, and what ends it."""

import json
from pathlib import Path

import pytest
import trio
from tests.kit import HEAD, Play, Ran, ScriptedLeg, Setting, in_virtual_time, inline, simulate

from voxrun.errors import ConfigurationError, DeviceError, InternalError, RemoteError, ScenarioError
from voxrun.media.leg import Party
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import ENDING_SECONDS, Session
from voxrun.transports.network import MemoryNetwork

STARTED = "Application.Started"
LAST = ["Application.Terminating", "Application.Terminated"]


def call(party: Party | None = None, idle_seconds: float = 1.0) -> Setting:
    return Setting(leg=ScriptedLeg(), party=party, idle_seconds=idle_seconds)


LISTEN_TO_ALL = """
    for name in ("Started", "CallAlerting", "Terminating", "Terminated"):
        VoxEngine.addEventListener(getattr(AppEvents, name), lambda e: Logger.write(e.name))
"""


def test_events_come_in_order(play: Play) -> None:
    ran = play(LISTEN_TO_ALL)
    assert ran.logged == [STARTED, *LAST]
    assert ran.events == ran.logged
    assert ran.records[-1]["kind"] == "end"


def test_a_call_alerts_after_started_and_tells_who_calls(play: Play) -> None:
    party = Party(callerid="me", destination="you", displayName="Me", headers={"X-A": "1"}, customData="text")
    ran = play(
        LISTEN_TO_ALL
        + """
    @VoxEngine.on(AppEvents.CallAlerting)
    def ask(event):
        Logger.write((event.callerid, event.destination, event.displayName, event.toURI, event.fromURI,
                      dict(event.headers), event.customData, event.scheme, event.call.state()))
        event.call.reject(486)
    """,
        call(party),
    )
    who = "('me', 'you', 'Me', 'sip:you', 'sip:me', {'X-A': '1'}, 'text', 'audio', 'ALERTING')"
    assert ran.logged == [STARTED, "Application.CallAlerting", who, *LAST]


@pytest.mark.parametrize(
    ("started", "warnings"),
    [
        ("pass", 1),
        ("VoxEngine.addEventListener(AppEvents.CallAlerting, lambda e: e.call.reject(486))", 0),
        ("VoxEngine.terminate()", 0),
    ],
)
def test_a_call_that_nobody_can_answer_is_told_once_it_alerts(play: Play, started: str, warnings: int) -> None:
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.Started)
        def start(event):
            {started}
        """,
        call(),
    )
    message = "the scenario has no handler of Application.CallAlerting: nobody answers the call"
    assert [warning["message"] for warning in ran.of_kind("warning")] == [message] * warnings


def test_a_session_without_a_call_ends_after_the_idle_time(play: Play) -> None:
    ran = play("", Setting(idle_seconds=60))
    assert ran.outcome.reason == "no call for 60 s"
    assert ran.outcome.error is None
    assert ran.seconds == pytest.approx(60)
    assert ran.events == [STARTED, *LAST]
    assert ran.of_kind("end")[0]["error"] is None


def test_a_call_keeps_the_session_and_its_end_begins_the_idle_time(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            event.call.answer()
            setTimeout(event.call.hangup, 300_000)
        """,
        call(idle_seconds=60),
    )
    assert ran.seconds == pytest.approx(360)
    assert ran.outcome.reason == "no call for 60 s"


def test_a_call_that_nobody_answers_ends_the_session_in_the_end(play: Play) -> None:
    assert play("", call(idle_seconds=2)).seconds == pytest.approx(62)


def test_terminate_does_not_stop_the_running_code(play: Play) -> None:
    ran = play(
        """
        import trio
        @VoxEngine.on(AppEvents.CallAlerting)
        async def end(event):
            event.call.addEventListener(CallEvents.Disconnected, lambda e: Logger.write("never: an event"))
            setTimeout(lambda: Logger.write("never: a timer"), 0)
            VoxEngine.terminate()
            VoxEngine.terminate()
            Logger.write("goes on")
            event.call.hangup()
            setTimeout(lambda: Logger.write("never: another timer"), 0)
            Logger.write("until it waits")
            await trio.sleep(0)
            Logger.write("never: after a wait")
        VoxEngine.addEventListener(AppEvents.CallAlerting, lambda e: Logger.write("never: the same event"))
        for event in (AppEvents.Terminating, AppEvents.Terminated):
            VoxEngine.addEventListener(event, lambda e: Logger.write(e.name))
        """,
        call(),
    )
    assert ran.logged == ["goes on", "until it waits", *LAST]
    assert ran.events == [STARTED, "Application.CallAlerting", *LAST]
    assert ran.outcome.reason == "terminated by the scenario"
    assert ran.outcome.error is None
    assert ran.seconds == 0


def test_terminate_in_top_level_code_lets_the_rest_of_it_run(play: Play) -> None:
    ran = play("VoxEngine.terminate()\nLogger.write('rest')\n" + LISTEN_TO_ALL.replace("\n    ", "\n"), call())
    assert ran.logged == ["rest", *LAST]
    assert ran.events == LAST


def test_nothing_but_the_last_two_events_comes_while_ending(play: Play) -> None:
    ran = play(
        """
        import trio
        player = VoxEngine.createURLPlayer("nothing.wav", onPause=True)
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            global call
            call = event.call
            for name in (CallEvents.Connected, CallEvents.Disconnected):
                call.addEventListener(name, lambda e: Logger.write("never: " + e.name))
            VoxEngine.terminate()
        @VoxEngine.on(AppEvents.Terminating)
        async def ending(event):
            player.stop()
            call.answer()
            call.hangup()
            setTimeout(lambda: Logger.write("never: a timer"), 0)
            VoxEngine.createRecorder(name="no/such/folder.wav").addEventListener(
                RecorderEvents.RecorderError, lambda e: Logger.write("never: an error"))
            await trio.sleep(2)
            Logger.write("ending")
        VoxEngine.addEventListener(AppEvents.Terminated, lambda e: Logger.write("the end"))
        """,
        call(),
    )
    assert ran.logged == ["ending", "the end"]
    assert ran.events[-2:] == LAST
    assert "Call.Disconnected" not in ran.events


def test_timers_are_gone_when_terminating(play: Play) -> None:
    ran = play("""
        import trio
        setInterval(lambda: Logger.write("never"), 100)
        VoxEngine.addEventListener(AppEvents.Started, lambda e: VoxEngine.terminate())
        @VoxEngine.on(AppEvents.Terminating)
        async def ending(event):
            await trio.sleep(1)
        """)
    assert ran.logged == []
    assert ran.seconds == pytest.approx(1)


@pytest.mark.parametrize("phase", ["Terminating", "Terminated"])
def test_handlers_of_the_last_events_that_hang_end_after_the_deadline(play: Play, phase: str) -> None:
    ran = play(
        f"""
        import trio
        @VoxEngine.on(AppEvents.{phase})
        async def hang(event):
            try:
                await trio.sleep_forever()
            finally:
                Logger.write("cancelled")
        @VoxEngine.on(AppEvents.{phase})
        async def other(event):
            Logger.write("other")
        """
        + """
        VoxEngine.addEventListener(AppEvents.Terminated, lambda e: Logger.write("terminated"))
        VoxEngine.terminate()
        """
    )
    assert ran.seconds == pytest.approx(ENDING_SECONDS)
    assert sorted(ran.logged) == ["cancelled", "other", "terminated"]
    assert [warning["message"] for warning in ran.of_kind("warning")] == [
        f"a handler of Application.{phase} was not through after 5 s: the session ends without it"
    ]
    assert ran.events == LAST
    assert ran.outcome.error is None


def test_terminated_waits_for_the_handlers_of_terminating(play: Play) -> None:
    ran = play("""
        import trio
        @VoxEngine.on(AppEvents.Terminating)
        async def slow(event):
            await trio.sleep(3)
            Logger.write("slow")
        VoxEngine.addEventListener(AppEvents.Terminated, lambda e: Logger.write("last"))
        """)
    assert ran.logged == ["slow", "last"]


def system_error(ran: Ran) -> str:
    [record] = [record for record in ran.of_kind("event") if record["name"] == "Application.Terminating"]
    return str(record["payload"]["systemError"])


def test_terminating_says_which_error_ended_the_session(play: Play) -> None:
    ran = play("""
        VoxEngine.addEventListener(AppEvents.Started, lambda e: 1 / 0)
        VoxEngine.addEventListener(AppEvents.Terminating, lambda e: Logger.write(e.systemError))
        """)
    assert ran.logged == [str(ran.outcome.error)]
    assert "ZeroDivisionError" in system_error(ran)


def test_terminating_after_an_ordinary_end_carries_no_error(play: Play) -> None:
    async def break_something(session: Session) -> None:
        session.broke(DeviceError("the disk is full"))

    ran = play("", Setting(meanwhile=break_something))
    assert system_error(ran) == ""
    assert isinstance(ran.outcome.error, DeviceError)
    assert [record["message"] for record in ran.of_kind("error")] == ["the disk is full"]


def test_the_outcome_is_the_error_that_ended_the_session_not_one_it_survived(play: Play) -> None:
    async def break_something(session: Session) -> None:
        session.broke(RemoteError("the agent is gone"))

    ran = play("setTimeout(lambda: 1 / 0, 500)", Setting(meanwhile=break_something))
    assert isinstance(ran.outcome.error, ScenarioError)
    assert "ZeroDivisionError" in system_error(ran)


def test_a_peer_that_is_back_is_forgotten_and_a_disk_is_not(play: Play) -> None:
    async def peer(session: Session) -> None:
        session.broke(RemoteError("gone"))
        session.recovered()

    async def disk(session: Session) -> None:
        session.broke(DeviceError("full"))
        session.broke(RemoteError("gone"))
        session.recovered()

    assert play("", Setting(meanwhile=peer)).outcome.error is None
    assert str(play("", Setting(meanwhile=disk)).outcome.error) == "full"


def test_a_failing_handler_of_terminating_fails_the_session_but_not_the_end(play: Play) -> None:
    ran = play("""
        VoxEngine.addEventListener(AppEvents.Terminating, lambda e: 1 / 0)
        VoxEngine.addEventListener(AppEvents.Terminating, lambda e: Logger.write("the other"))
        VoxEngine.addEventListener(AppEvents.Terminated, lambda e: Logger.write("the end"))
        """)
    assert ran.logged == ["the other", "the end"]
    assert "in a handler of Application.Terminating: ZeroDivisionError" in str(ran.outcome.error)
    assert ran.outcome.reason == "no call for 1 s"


def test_the_first_failure_counts(play: Play) -> None:
    ran = play("""
        def fail(event):
            raise ValueError("first" if event.name == AppEvents.Started else "second")
        VoxEngine.addEventListener(AppEvents.Started, fail)
        VoxEngine.addEventListener(AppEvents.Terminating, fail)
        """)
    assert "ValueError: first" in str(ran.outcome.error)
    assert len(ran.of_kind("error")) == 2


def test_a_scenario_that_cannot_be_loaded_has_no_events(play: Play) -> None:
    ran = play(LISTEN_TO_ALL.replace("\n    ", "\n") + "VoxEngine.createURLPlayer('x.wav')\n1 / 0\n", call())
    assert ran.events == ["Player.Created"]
    assert ran.logged == []
    assert ran.outcome.reason == "the scenario failed"


def test_a_missing_file_is_a_wrong_argument(tmp_path: Path) -> None:
    outcome = simulate(tmp_path / "missing.py").outcome
    assert isinstance(outcome.error, ConfigurationError)


def test_a_session_is_ended_from_outside_as_the_scenario_would(play: Play) -> None:
    async def interrupt(session: Session) -> None:
        await trio.sleep(0.5)
        session.terminate("interrupted")

    ran = play(LISTEN_TO_ALL, Setting(meanwhile=interrupt))
    assert ran.logged == [STARTED, *LAST]
    assert ran.outcome.reason == "interrupted"


def test_time_counts_from_the_sessions_beginning_even_before_it_runs(play: Play, tmp_path: Path) -> None:
    async def main() -> str:
        await trio.sleep(12)
        session = Session(tmp_path / "none.py", services(), Ticker())
        session.trace("log", message="before")
        return session.trace_log.lines()[0]

    assert in_virtual_time(main).startswith('{"t":0.0,')


def services() -> Services:
    return Services(secrets=Secrets({}, {}), network=MemoryNetwork(), offload=inline)


def test_two_sessions_at_once_share_nothing(tmp_path: Path) -> None:
    (tmp_path / "state.py").write_text("values = []\n")
    path = tmp_path / "scenario.py"
    path.write_text(
        HEAD
        + """
import trio
VoxEngine.customData(VoxEngine.getSecretValue("name"))
@VoxEngine.on(AppEvents.Started)
async def go(event):
    for number in range(3):
        import state
        state.values.append(VoxEngine.customData())
        await trio.sleep(0.1)
    Logger.write((len(state.values), set(state.values) == {VoxEngine.customData()}))
    setTimeout(lambda: Logger.write(VoxEngine.customData()), 100)
    if VoxEngine.customData() == "anna":
        1 / 0
"""
    )
    outcomes: dict[str, str] = {}
    lines: dict[str, list[str]] = {}

    async def one(name: str, ticker: Ticker) -> None:
        secrets = Secrets({}, {"name": name})
        session = Session(
            path, Services(secrets=secrets, network=MemoryNetwork(), offload=inline), ticker, idle_seconds=5
        )
        outcomes[name] = (await session.run()).reason
        lines[name] = [line for line in session.trace_log.lines() if '"log"' in line]

    async def main() -> None:
        ticker = Ticker()
        async with trio.open_nursery() as everything:
            everything.start_soon(ticker.run)
            async with trio.open_nursery() as sessions:
                for name in ("anna", "bob"):
                    sessions.start_soon(one, name, ticker)
            everything.cancel_scope.cancel()

    in_virtual_time(main)
    assert outcomes == {"anna": "the scenario failed", "bob": "no call for 5 s"}
    assert [json.loads(line)["message"] for line in lines["anna"]] == ["(3, True)"]
    assert [json.loads(line)["message"] for line in lines["bob"]] == ["(3, True)", "bob"]


def test_a_bug_of_ours_in_a_units_task_ends_its_session_in_good_order(play: Play) -> None:
    async def bug() -> None:
        await trio.sleep(0.1)
        raise RuntimeError("a bug")

    async def spawn_bug(session: Session) -> None:
        session.spawn(trio.sleep_forever)
        session.spawn(bug)

    ran = play(
        "VoxEngine.addEventListener(AppEvents.Terminated, lambda e: Logger.write('bye'))", Setting(meanwhile=spawn_bug)
    )
    assert isinstance(ran.outcome.error, InternalError)
    assert str(ran.outcome.error) == "a bug of voxrun's own: RuntimeError: a bug"
    assert 'raise RuntimeError("a bug")' in ran.of_kind("traceback")[0]["text"]
    assert ran.logged == ["bye"]


@pytest.mark.parametrize("starts_first", [True, False])
def test_a_bug_in_a_task_that_is_waited_for(play: Play, starts_first: bool) -> None:
    async def bug(task_status: trio.TaskStatus[str]) -> None:
        if starts_first:
            task_status.started("well")
        await trio.sleep(0.1)
        raise RuntimeError("a bug")

    said: list[str] = []

    async def start_bug(session: Session) -> None:
        try:
            said.append(await session.start(bug))
        except RuntimeError as error:
            said.append(str(error))

    ran = play(
        "VoxEngine.addEventListener(AppEvents.Terminated, lambda e: Logger.write('bye'))", Setting(meanwhile=start_bug)
    )
    assert said == (["well"] if starts_first else ["a bug"])
    assert isinstance(ran.outcome.error, InternalError) is starts_first
    assert ran.logged == ["bye"]


def test_a_unit_whose_tick_fails_ends_its_session_and_no_clock(play: Play) -> None:
    class Unit:
        ticks = 0

        def produce(self) -> None:
            self.ticks += 1
            raise ZeroDivisionError

    unit = Unit()

    async def add(session: Session) -> None:
        await trio.sleep(0.1)
        session.graph.add(unit)

    source = """
        import trio
        VoxEngine.addEventListener(AppEvents.Terminating, lambda e: trio.sleep(0.1))
        """
    ran = play(source, Setting(leg=ScriptedLeg(), meanwhile=add))
    assert isinstance(ran.outcome.error, InternalError)
    assert unit.ticks == 1
