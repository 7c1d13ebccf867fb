"""Whom `voxrun serve` tells of: refusals, soon and seldom."""

import errno
import os
import sys
from collections import Counter
from io import BufferedWriter, RawIOBase, TextIOWrapper
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest
import trio
from tests.kit import in_virtual_time

from voxrun.cli.printout import printed_at_once
from voxrun.cli.serve_log import QUIET_SECONDS, SOON_SECONDS, Log, shortages_told, tell_refusals

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIPE_BUF = 4096
"""What goes into a pipe at once if anything does, on Linux."""


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


def test_refusals_that_nobody_was_told_of_are_told_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        refusals = Counter({"busy": 1})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell_refusals, refusals, Log())
            await trio.sleep(2 * SOON_SECONDS)
            assert told(capsys) == ["refused 1: --max-calls run already"]
            refusals["busy"] += 2
            nursery.cancel_scope.cancel()
        assert told(capsys) == ["refused 2: --max-calls run already"]

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


def test_a_reader_that_stops_reading_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    with open(ours, "rb", buffering=0) as reader, open(theirs, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        filled = os.write(theirs, b"x" * 10_000_000)
        os.set_blocking(theirs, True)
        with printed_at_once() as missing:
            log = Log(missing=missing)
            log.tell("one call")
            log.tell("another call")
            while filled:
                filled -= len(reader.read(filled))
            log.tell("a third call")
            log.tell("a fourth call")
        lines = (reader.read(PIPE_BUF) or b"").decode().splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "(2 before this are missing: nobody read them) a third call",
        "a fourth call",
    ]


def test_a_full_disk_costs_the_log_what_it_has_no_room_for_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(BufferedWriter(disk), encoding="utf-8"))
    with printed_at_once() as missing:
        log = Log(missing=missing)
        log.tell("one call")
        disk.is_full = True
        log.tell("another call")
        print("what a scenario says")  # noqa: T201 - scenarios do
        disk.is_full = False
        log.tell("a third call")
    assert [line.partition(" ")[2] for line in b"".join(disk.written).decode().splitlines()] == [
        "one call",
        "(2 before this are missing: No space left on device) a third call",
    ]


def test_a_line_is_written_in_one_piece_however_python_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(cast(BinaryIO, disk), encoding="utf-8", write_through=True))
    with printed_at_once() as missing:
        Log(missing=missing).tell("one call")
        print("what", "a scenario", "says")  # noqa: T201 - as above
    assert [piece[-1:] for piece in disk.written] == [b"\n"] * 2


def test_where_there_is_no_stdout_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with printed_at_once() as missing:
        Log(missing=missing).tell("one call")
    assert missing.times == 0


@pytest.mark.parametrize("name", ["x" * 100_000, "\U0001f600" * 2000, "\0" * 1000])
def test_no_stranger_has_a_line_that_fills_a_pipe(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Log().tell(f"call from {name}")
    line = capsys.readouterr().out
    assert len(line.encode()) < PIPE_BUF
    assert line.endswith("…\n")


def test_connections_for_which_there_is_no_descriptor_are_told_of_seldom_and_in_a_line(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        with trio.move_on_after(2.5 * QUIET_SECONDS), shortages_told(Log()):
            await trio.serve_listeners(trio.aclose_forcefully, [Starved()])

    in_virtual_time(main)
    line = "new connections wait: the system has no descriptors or memory left: allow more open files (ulimit -n)"
    assert told(capsys) == [line] * 3
    assert caplog.records == []


class Disk(RawIOBase):
    """A file on a disk that may be full."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_full = False

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """OSError if there is no room."""
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.written.append(bytes(data))
        return len(self.written[-1])


class Starved(trio.abc.Listener[trio.abc.Stream]):
    """A socket in a process that may have no further one."""

    async def accept(self) -> trio.abc.Stream:
        """Never comes about."""
        await trio.lowlevel.checkpoint()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def aclose(self) -> None:
        """Has nothing to close."""
        await trio.lowlevel.checkpoint()
