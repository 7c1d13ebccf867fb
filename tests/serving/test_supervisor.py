"""A supervisor and processes that are no workers at all: small programs that die, or will not."""

import sys
from collections.abc import Awaitable, Callable

import pytest
import trio

from voxrun.errors import ConfigurationError
from voxrun.serving import supervisor as module
from voxrun.serving.desk import Refused
from voxrun.serving.supervisor import Supervisor

READY = """
import os, signal, sys, time
link = int(sys.argv[1].split(",")[1])
body = b'{"number":0}'
os.write(link, len(body).to_bytes(4, "big") + body)
"""


def supervise(program: str, act: Callable[[Supervisor, list[str]], Awaitable[None]], count: int = 1) -> list[str]:
    """What a supervisor says that runs the program, from its beginning to the end of `act`."""
    said: list[str] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            supervisor = Supervisor(count, (), 0.0, said.append)
            nursery.start_soon(supervisor.run, [sys.executable, "-c", program])
            with trio.fail_after(20):
                await act(supervisor, said)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return said


def test_one_that_dies_again_and_again_is_replaced_more_and_more_slowly() -> None:
    async def act(supervisor: Supervisor, said: list[str]) -> None:
        while len(said) < 4:  # noqa: ASYNC110 - processes tell nobody that they have died
            await trio.sleep(0.01)
        assert supervisor.restarts == 3
        assert "voxrun_worker_restarts_total 3.0" in await supervisor.metrics()

    said = supervise(READY + "sys.exit(7)", act)
    assert [line.rpartition(" in ")[2] for line in said] == ["0.1 s", "0.2 s", "0.4 s", "0.8 s"]
    assert "worker 1 has ended (status 7)" in said[0]


def test_when_none_ever_gets_ready_the_server_ends() -> None:
    async def main() -> None:
        await Supervisor(1, (), 0.0, print).run([sys.executable, "-c", "raise SystemExit(2)"])

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
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + READY + "time.sleep(60)"
    assert supervise(program, act) == []


def test_a_cancel_ends_even_those_that_ignore_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE_SECONDS", 0.2)

    async def act(supervisor: Supervisor, said: list[str]) -> None:
        await supervisor.ready.wait()

    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + READY + "time.sleep(60)"
    assert supervise(program, act, count=2) == []


def test_without_a_worker_nothing_can_begin() -> None:
    async def main() -> None:
        with pytest.raises(Refused, match="no worker takes calls"):
            await Supervisor(1, (), 0.0, print).start("", "")

    trio.run(main)
