"""A supervisor and processes that are no workers at all: small programs that die, or will not."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.serving import supervisor as module
from voxrun.serving.desk import Refused, SessionInfo, Sessions
from voxrun.serving.supervisor import Supervisor

READY = """
import os, signal, sys, time
link = int(sys.argv[1].split(",")[1])
body = b'{"number":0}'
os.write(link, len(body).to_bytes(4, "big") + body)
"""

FIFTH_STAYS = """
with open(begun, "a") as file:
    file.write(".")
if os.path.getsize(begun) < 5:
    sys.exit(7)
time.sleep(60)
"""


def supervise(
    program: str,
    act: Callable[[Supervisor, list[str]], Awaitable[None]],
    count: int = 1,
    python: str = sys.executable,
    check: Callable[[], None] = lambda: None,
) -> list[str]:
    """What a supervisor says that runs the program, from its beginning to the end of `act`."""
    said: list[str] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            supervisor = Supervisor(count, (), 0.0, said.append, check)
            nursery.start_soon(supervisor.run, [python, "-c", program])
            with trio.fail_after(20):
                await act(supervisor, said)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return said


@pytest.mark.parametrize(("soon", "delays"), [(30.0, (0.1, 0.2, 0.4, 0.8)), (0.0, (0.1, 0.1, 0.1, 0.1))])
def test_one_that_dies_soon_again_and_again_is_replaced_more_and_more_slowly(
    soon: float, delays: tuple[float, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SOON_SECONDS", soon)
    begun = tmp_path / "begun"
    begun.touch()

    async def act(supervisor: Supervisor, _: list[str]) -> None:
        while begun.stat().st_size < 5:  # noqa: ASYNC110 - processes tell nobody that they have begun
            await trio.sleep(0.01)
        assert supervisor.restarts == 4
        assert "voxrun_worker_restarts_total 4.0" in await supervisor.metrics()

    said = supervise(READY + f"begun = {str(begun)!r}\n" + FIFTH_STAYS, act)
    assert [line.rpartition(" in ")[2] for line in said] == [f"{delay} s" for delay in delays]
    assert said[0] == "worker 1 has ended (status 7); another begins in 0.1 s"


@pytest.mark.parametrize("again", range(8))  # what has come of two things in one moment is seen in either order
def test_one_that_is_dead_before_it_is_heard_took_calls_all_the_same(again: int, tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    program = f"""
import os, time
open({str(begun)!r}, "w").close()
while not os.path.exists({str(go)!r}):
    time.sleep(0.001)
{READY}
sys.exit(7)
"""

    async def act(_: Supervisor, said: list[str]) -> None:
        while not begun.exists():  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)
        await wait_all_tasks_blocked()
        go.touch()
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - nothing else is to go on until it has ended
        while not said:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)

    assert supervise(program, act)[0] == "worker 1 has ended (status 7); another begins in 0.1 s"


def test_one_that_can_not_begin_again_hurts_no_other(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    program = (
        READY
        + f"""
is_first = sys.argv[1].startswith("1,")
while os.path.lexists({str(python)!r}) or not is_first:
    time.sleep(0.01)
"""
    )

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()
        python.unlink()
        while len(said) < 3:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)
        assert "voxrun_workers 1.0" in await supervisor.metrics()

    said = supervise(program, act, count=2, python=str(python))
    assert said[1:3] == [
        "worker 1 can't begin (No such file or directory); another begins in 0.2 s",
        "worker 1 can't begin (No such file or directory); another begins in 0.4 s",
    ]


@pytest.mark.parametrize("is_anew", [True, False])
def test_one_begins_again_in_a_folder_that_was_made_anew_or_in_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_anew: bool
) -> None:
    folder, found = tmp_path / "folder", tmp_path / "found"
    folder.mkdir()
    monkeypatch.chdir(folder)
    program = (
        READY
        + f"""
with open({str(found)!r}, "a") as file:
    file.write(str(os.listdir(".")))
while os.path.exists({str(folder / "first")!r}):
    time.sleep(0.01)
sys.exit(7)
"""
    )
    (folder / "first").touch()

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()
        while not (found.exists() and found.stat().st_size):  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)
        (folder / "first").unlink()
        folder.rmdir()
        if is_anew:
            folder.mkdir()
            (folder / "second").touch()
        while len(said) < 2:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)

    assert "(status 7)" in supervise(program, act)[1]
    assert found.read_text().startswith("['first']" + ("['second']" if is_anew else "[]"))


def test_none_begins_while_what_it_is_to_serve_can_not_be_read_and_that_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mistakes = [
        "a.py:1:5: invalid syntax\n    x = (",
        "a.py:1:5: invalid syntax\n    x = (",
        "a.py:2: unexpected indent",
    ]
    coming = iter(mistakes)

    def check() -> None:
        for mistake in coming:
            raise ScenarioError(mistake)

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        while len(said) < 4:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)
        assert supervisor.restarts == 1

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    assert supervise(READY + "sys.exit(7)", act, check=check) == [
        "worker 1 has ended (status 7); another begins in 0.1 s",
        "worker 1 waits until this is mended: a.py:1:5: invalid syntax",
        "worker 1 waits until this is mended: a.py:2: unexpected indent",
        "worker 1 has ended (status 7); another begins in 0.2 s",
    ]


def test_what_a_worker_counted_that_dies_while_others_are_asked_stays_counted(tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    program = (
        READY
        + f"""
import json
def gone():
    try:
        os.kill(int(open({str(dead)!r}).read()), 0)
    except OSError:
        return True
is_first, is_again = sys.argv[1].startswith("1,"), os.path.exists({str(dead)!r})
while question := os.read(link, 4):
    number = json.loads(os.read(link, int.from_bytes(question, "big")))["number"]
    calls = 1 if is_again or not is_first else 5
    if is_first and not is_again:
        with open({str(dead)!r} + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(file.name, {str(dead)!r})  # whoever sees it can read it
    while not is_first and not (os.path.exists({str(dead)!r}) and gone()):
        time.sleep(0.01)
    text = "# TYPE calls counter\\ncalls_total " + str(calls) + ".0\\n"
    body = json.dumps({{"number": number, "result": text}}).encode()
    os.write(link, len(body).to_bytes(4, "big") + body)
    if is_first and not is_again:
        break
"""
    )

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()
        assert "calls_total 6.0" in await supervisor.metrics()
        while "calls_total 7.0" not in (text := await supervisor.metrics()):
            assert "calls_total 6.0" in text

    supervise(program, act, count=2)


def test_nobody_waits_for_a_worker_that_is_stuck_but_for_what_only_it_may_know(monkeypatch: pytest.MonkeyPatch) -> None:
    known = SessionInfo("known", "a.py", "", "", "2026-01-01", 1.0, "", worker=2)
    program = (
        READY
        + f"""
import json
info = json.loads({msgspec.json.encode(known).decode()!r})
while question := os.read(link, 4):
    asked = json.loads(os.read(link, int.from_bytes(question, "big")))
    if sys.argv[1].startswith("1,"):
        continue
    result = {{"sessions": {{"sessions": [info]}}, "show": info if asked.get("session") == "known" else None}}
    body = json.dumps({{"number": asked["number"], "result": result[asked["function"]]}}).encode()
    os.write(link, len(body).to_bytes(4, "big") + body)
"""
    )

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()
        assert await supervisor.show("known") == known
        monkeypatch.setattr("voxrun.serving.link.ANSWER_SECONDS", 0.2)
        monkeypatch.setattr("voxrun.serving.link.SOON_SECONDS", 0.2)
        assert await supervisor.sessions() == Sessions([known], [1])
        with pytest.raises(Refused, match="worker 1 does not answer"):
            await supervisor.show("unknown")

    monkeypatch.setattr("voxrun.serving.link.ANSWER_SECONDS", 60.0)
    supervise(program, act, count=2)


def test_one_that_stands_still_is_killed_and_replaced_but_none_that_is_only_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = (
        READY
        + """
import json
if sys.argv[1].startswith("1,"):
    time.sleep(60)
for place, question in enumerate(iter(lambda: os.read(link, 4), b"")):
    asked = json.loads(os.read(link, int.from_bytes(question, "big")))
    if place % 2:
        body = json.dumps({"number": asked["number"]}).encode()
        os.write(link, len(body).to_bytes(4, "big") + body)
"""
    )

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        while supervisor.restarts < 2:  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)

    monkeypatch.setattr(module, "PULSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "MOST_UNANSWERED", 2)
    monkeypatch.setattr("voxrun.serving.link.ANSWER_SECONDS", 1.0)
    said = supervise(program, act, count=2)
    killed = "worker 1 stands still, and its calls with it: it is killed"
    ended = "worker 1 has ended (status -9); another begins in {} s"
    assert said == [killed, ended.format(0.1), killed, ended.format(0.2)]


def test_a_trace_in_which_nothing_is_yet_is_the_one_that_was_asked_for() -> None:
    program = (
        READY
        + """
import json
while length := int.from_bytes(os.read(link, 4), "big"):
    answer = {"number": json.loads(os.read(link, length))["number"]}
    answer["result"] = [] if sys.argv[1].startswith("1,") else None
    body = json.dumps(answer).encode()
    os.write(link, len(body).to_bytes(4, "big") + body)
"""
    )

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()
        assert await supervisor.trace("known") == []

    supervise(program, act, count=2)


def test_sessions_that_are_asked_for_at_once_begin_in_all_workers() -> None:
    info = SessionInfo("1", "a.py", "", "", "", 0.0, "")
    program = (
        READY
        + f"""
import json
info = {msgspec.to_builtins(info)!r}
info["worker"] = int(sys.argv[1].split(",")[0])
while length := int.from_bytes(os.read(link, 4), "big"):
    answer = {{"number": json.loads(os.read(link, length))["number"], "result": info}}
    body = json.dumps(answer).encode()
    os.write(link, len(body).to_bytes(4, "big") + body)
"""
    )
    begun: list[int] = []

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        async def start() -> None:
            begun.append((await supervisor.start("", "")).worker)

        await supervisor.ready.wait()
        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(start)

    supervise(program, act, count=3)
    assert sorted(begun) == [1, 1, 2, 2, 3, 3]


def test_when_none_ever_gets_ready_the_server_ends() -> None:
    async def main() -> None:
        await Supervisor(1, (), 0.0, print, lambda: None).run([sys.executable, "-c", "raise SystemExit(2)"])

    with pytest.RaisesGroup(ConfigurationError, flatten_subgroups=True):
        trio.run(main)


def test_one_that_ignores_the_signal_is_killed_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CUSHION_SECONDS", 0.2)

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()
        assert "voxrun_workers 1.0" in await supervisor.metrics()
        supervisor.end()
        while "voxrun_workers 1.0" in await supervisor.metrics():  # noqa: ASYNC110 - as above
            await trio.sleep(0.01)

    monkeypatch.setattr("voxrun.serving.link.ANSWER_SECONDS", 0.05)
    monkeypatch.setattr("voxrun.serving.link.SOON_SECONDS", 0.05)
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + READY + "time.sleep(60)"
    assert supervise(program, act) == []


def test_one_that_takes_no_calls_yet_need_not_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CUSHION_SECONDS", 60.0)

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        for figure in ("voxrun_workers 1.0", "voxrun_workers 0.0"):
            while figure not in await supervisor.metrics():  # noqa: ASYNC110 - as above
                await trio.sleep(0.01)
            supervisor.end()

    assert supervise("import time; time.sleep(60)", act) == []


def test_a_cancel_ends_even_those_that_ignore_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE_SECONDS", 0.2)

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()

    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + READY + "time.sleep(60)"
    assert supervise(program, act, count=2) == []


def test_a_cancel_is_told_twice_as_only_the_second_time_ends_calls_at_once(tmp_path: Path) -> None:
    told_twice = tmp_path / "told twice"

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()

    program = (
        f"""
import os, signal
told = []
def tell(number, frame):
    told.append(number)
    if len(told) == 2:
        os.mkdir({str(told_twice)!r})
        os._exit(0)
signal.signal(signal.SIGINT, tell)
signal.signal(signal.SIGTERM, tell)
"""
        + READY
        + "while True:\n    time.sleep(60)"
    )
    assert supervise(program, act) == []
    assert told_twice.exists()


def test_nothing_begins_once_all_is_to_end() -> None:
    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()
        supervisor.end()
        with pytest.raises(Refused, match="about to end"):
            await supervisor.start("", "")

    supervise(READY + "time.sleep(60)", act)


def test_without_a_worker_nothing_can_begin_and_there_is_nothing_to_show() -> None:
    async def main() -> None:
        supervisor = Supervisor(1, (), 0.0, print, lambda: None)
        with pytest.raises(Refused, match="no worker takes calls"):
            await supervisor.start("", "")
        assert await supervisor.show("1") is None

    trio.run(main)
