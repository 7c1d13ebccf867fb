"""What workers share: by itself, and between processes that are killed in the middle of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.serving.common_table import MOST_SEEN, CommonTable
from voxrun.transports.turnstile import OwnGuests

WORKERS = 3


@pytest.fixture
def file() -> Iterator[int]:
    """A table's, for three workers."""
    with TemporaryFile() as file:
        os.truncate(file.fileno(), CommonTable.size(WORKERS))
        yield file.fileno()


def worker(program: str, file: int, row: int) -> subprocess.Popen[str]:
    """A process with the `table` and its row."""
    head = "import signal, sys; from voxrun.serving.common_table import CommonTable; "
    head += "file, row = map(int, sys.argv[1:]); table = CommonTable(file, row)\n"
    command = [sys.executable, "-c", head + program, str(file), str(row)]
    return subprocess.Popen(command, pass_fds=(file,), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def at_once(program: str, file: int) -> list[int]:
    """The number that each worker prints, all of which begin together."""
    table = CommonTable(file)
    assert not table.again("whatever")  # who is there already holds up nobody
    workers = [worker(f"print(flush=True); input()\n{program}", file, row) for row in range(1, WORKERS + 1)]
    for it in workers:
        assert it.stdout
        it.stdout.readline()
    for it in workers:
        assert it.stdin
        it.stdin.write("\n")
        it.stdin.flush()
    return [int(it.communicate(timeout=60)[0]) for it in workers]


def test_alone_it_counts_up_to_the_most() -> None:
    table = CommonTable()
    assert [table.take(2), table.take(2), table.take(2)] == [True, True, False]
    table.give_back()
    assert table.sessions == 1
    assert table.take(2)


def test_the_most_holds_for_all_rows_together_and_a_dead_workers_are_forgotten(file: int) -> None:
    first, second = CommonTable(file, 1), CommonTable(file, 2)
    assert [first.take(3), second.take(3), second.take(3), first.take(3)] == [True, True, True, False]
    assert first.sessions == second.sessions == 3
    CommonTable(file).forget(2)
    assert first.sessions == 1
    assert first.take(3)


def test_the_excess_is_over_the_worker_with_the_least_and_a_dead_one_is_none(file: int) -> None:
    first, second, third = (CommonTable(file, row) for row in (1, 2, 3))
    assert [first.take(9), first.take(9), first.take(9), second.take(9), third.take(9)] == [True] * 5
    assert first.excess() == 0
    assert [second.excess(), first.excess(), third.excess(7), first.excess()] == [0, 2, 7, 2]
    CommonTable(file).forget(2)
    assert first.excess() == 0
    assert third.excess() == 0
    assert first.excess() == 2
    assert [CommonTable(file).sessions_in(row) for row in (1, 2, 3)] == [3, 0, 1]


def test_connections_that_are_no_sessions_yet_are_an_excess_too(file: int) -> None:
    first, second = CommonTable(file, 1), CommonTable(file, 2)
    assert [first.come("a", 9), first.come("b", 9), first.come("b", 1)] == [True, True, False]
    assert [second.excess(), first.excess(), second.excess()] == [0, 2, 0]
    first.go("b")
    assert first.excess() == 1
    first.go("a")
    assert first.excess() == 0
    assert first.come("a", 9)
    assert first.take(9)
    assert first.excess() == 2
    CommonTable(file).forget(1)
    assert [first.excess(), second.excess()] == [0, 0]


def test_connections_of_an_address_count_in_all_rows_together(file: int) -> None:
    first, second = CommonTable(file, 1), CommonTable(file, 2)
    assert [first.come("a", 3), second.come("a", 3), second.come("a", 3), first.come("a", 3)] == [
        True,
        True,
        True,
        False,
    ]
    assert first.come("b", 1)
    second.go("a")
    assert first.come("a", 3)
    CommonTable(file).forget(1)
    assert [second.come("a", 3), second.come("a", 3), second.come("a", 3)] == [True, True, False]
    assert second.come("b", 1)
    assert first.sessions == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.integers(1, 4))
def test_it_lets_in_as_many_as_one_process_would(steps: list[tuple[str, bool]], most: int) -> None:
    table, model = CommonTable(), OwnGuests()
    inside: list[str] = []
    for peer, comes in steps:
        if comes:
            came = table.come(peer, most)
            assert came == model.come(peer, most)
            inside += [peer] * came
        elif peer in inside:
            inside.remove(peer)
            table.go(peer)
            model.go(peer)


def test_many_addresses_do_not_fill_each_others_places() -> None:
    table = CommonTable()
    assert all(table.come(f"10.0.{number >> 8}.{number & 255}", 2) for number in range(1000) for _ in range(2))
    assert not any(table.come(f"10.0.{number >> 8}.{number & 255}", 2) for number in range(1000))


def test_what_was_shown_to_one_was_shown_to_all(file: int) -> None:
    assert not CommonTable(file, 1).again("ticket")
    assert CommonTable(file, 2).again("ticket")
    assert not CommonTable().again("ticket")


@given(st.lists(st.text(max_size=5), max_size=100))
def test_a_name_is_there_again_if_and_only_if_it_was_there(names: list[str]) -> None:
    table = CommonTable()
    assert [table.again(name) for name in names] == [name in names[:at] for at, name in enumerate(names)]


def test_it_remembers_much_but_not_everything() -> None:
    table = CommonTable()
    for number in range(2 * MOST_SEEN):
        table.again(str(number))
    lately = range(2 * MOST_SEEN - MOST_SEEN // 4, 2 * MOST_SEEN)
    assert all(table.again(str(number)) for number in lately)
    assert not table.again("0")


def test_processes_that_take_at_once_never_take_too_many(file: int) -> None:
    assert sum(at_once("print(sum(table.take(1000) for _ in range(1000)))", file)) == 1000
    assert CommonTable(file).sessions == 1000


def test_processes_that_let_in_at_once_never_let_in_too_many(file: int) -> None:
    assert sum(at_once("print(sum(table.come('10.0.0.1', 1000) for _ in range(1000)))", file)) == 1000


@pytest.mark.parametrize(
    ("sit_down", "get_up"),
    [("table.take(1)", ""), ("table.come('10.0.0.1', 1) and table.take(9)", "table.go('10.0.0.1')")],
)
def test_one_seat_never_has_two_processes_at_once(file: int, sit_down: str, get_up: str) -> None:
    program = f"""
most = 0
for _ in range(5000):
    if {sit_down}:
        most = max(most, table.sessions)
        table.give_back()
        {get_up}
print(most)"""
    assert max(at_once(program, file)) == 1
    assert CommonTable(file).sessions == 0


def test_one_name_gets_through_once_however_many_processes_show_it(file: int) -> None:
    assert sum(at_once("print(sum(not table.again(str(number)) for number in range(2000)))", file)) == 2000


def test_a_process_that_is_killed_with_the_lock_in_hand_holds_up_nobody(file: int) -> None:
    keeps = "table.take(9)\nwith table._alone():\n    print('mine', flush=True)\n    signal.pause()"
    victim = worker(keeps, file, 1)
    assert victim.stdout
    assert victim.stdout.readline() == "mine\n"
    other = worker("print(table.take(2), table.take(2))", file, 2)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait(timeout=60) == -signal.SIGKILL
    victim.communicate()
    assert other.communicate(timeout=60)[0] == "True False\n"
    CommonTable(file).forget(1)
    assert CommonTable(file).sessions == 1
