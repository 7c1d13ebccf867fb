"""Whom `voxrun serve` tells of: refusals, soon and seldom."""

from collections import Counter

import pytest
import trio
from tests.kit import in_virtual_time

from voxrun.cli.serve_log import QUIET_SECONDS, SOON_SECONDS, Log, tell_refusals


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was printed since the last time, without the times of the clock."""
    return [line.partition(" ")[2] for line in capsys.readouterr().out.splitlines()]


def test_refusals_are_told_by_their_reason_soon_and_then_not_at_once_again(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        refusals = Counter({"busy": 0})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell_refusals, refusals, Log())
            await trio.sleep(100.5)
            assert told(capsys) == []
            refusals["token"] += 2
            refusals["busy"] += 1
            await trio.sleep(SOON_SECONDS)
            assert sorted(told(capsys)) == [
                "refused 1: --max-calls run already",
                "refused 2: their token is not the --token",
            ]
            for _ in range(1000):
                refusals["token"] += 1
                await trio.sleep(QUIET_SECONDS / 1000)
            assert told(capsys) == []
            await trio.sleep(2 * SOON_SECONDS)
            assert told(capsys) == ["refused 1000: their token is not the --token"]
            refusals["new"] += 1
            await trio.sleep(QUIET_SECONDS + 2 * SOON_SECONDS)
            assert told(capsys) == ["refused 1: new"]
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


def test_where_there_are_workers_a_line_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Log().tell("all workers have ended")
    Log(2).tell("all calls are over")
    assert told(capsys) == ["all workers have ended", "worker 2: all calls are over"]


def test_what_a_stranger_says_is_never_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    Log().tell("call from 1\r\n08:00:00 all calls are over\n\nto 2 by twilio")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(r" call from 1\u000d")
    assert [line.partition(" ") for line in lines[1:]] == [
        ("", " ", "        08:00:00 all calls are over"),
        ("", " ", "        "),
        ("", " ", "        to 2 by twilio"),
    ]
