"""How a host that shares its port with others takes part in it."""

import json
import os
from pathlib import Path
from tempfile import TemporaryFile

import pytest
import trio
from tests.kit import in_virtual_time
from tests.serving.hosted import hosted, written

from voxrun.serving.common_table import CommonTable
from voxrun.serving.desk import Refused
from voxrun.serving.host import LONGEST_HESITATION
from voxrun.serving.load import Load
from voxrun.serving.supervisor import CUSHION_SECONDS
from voxrun.session.session import ENDING_SECONDS
from voxrun.trace.records import read_records
from voxrun.transports.network import MemoryNetwork

pytestmark = pytest.mark.usefixtures("unhurried")

TALKATIVE = """
from voxrun import setTimeout
@VoxEngine.on(AppEvents.Started)
def talk(event):
    for number in range(3000):
        Logger.write(str(number))
    setTimeout(VoxEngine.terminate, 1000)
"""

SLOW_TO_LEAVE = """
import trio
from voxrun import Net
Net.httpRequest("http://crm.example", print)
@VoxEngine.on(AppEvents.Terminating)
async def ask_at_last(event):
    await trio.sleep(4.9)
    Net.httpRequest("http://crm.example", print)
@VoxEngine.on(AppEvents.Terminated)
async def tidy_up(event):
    await trio.sleep(4.9)
"""


def test_it_leaves_calls_to_those_with_fewer_and_all_of_them_to_who_takes_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", ""), max_calls=9) as host:
            os.truncate(file.fileno(), CommonTable.size(2))
            host.table, other = CommonTable(file.fileno(), 1), CommonTable(file.fileno(), 2)
            other.excess()
            assert host.hesitation() == 0
            host.begin(host.settings.routes.named(""))
            host.begin(host.settings.routes.named(""))
            assert host.hesitation() == 2
            assert host.counters.calls == {}
            assert [other.take(9) for _ in range(7)] == [True] * 7
            other.excess()
            assert host.hesitation() == 0
            with monkeypatch.context() as overloaded:
                overloaded.setattr(Load, "is_overloaded", True)
                assert host.hesitation() == LONGEST_HESITATION
            assert host.hesitation() == 0
            host.draining = True
            assert host.hesitation() == LONGEST_HESITATION

    with TemporaryFile() as file:
        trio.run(main)


def test_a_drain_that_is_out_of_time_does_not_wait_for_what_a_server_never_answers(tmp_path: Path) -> None:
    async def main() -> None:
        network = MemoryNetwork()
        scenario = written(tmp_path, "asks.py", "from voxrun import Net\nNet.httpRequest('http://crm.example', print)")
        async with trio.open_nursery() as nursery:
            await nursery.start(network.serve, "crm.example", 80, never_answer)
            async with hosted(scenario, network=network) as host:
                running = host.begin(scenario)
                await trio.sleep(1.0)
                began = trio.current_time()
                await host.drain(2.0)
                assert trio.current_time() - began == pytest.approx(2.0 + ENDING_SECONDS, abs=0.1)
                assert running.outcome
                assert running.outcome.reason == "the server ends"
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


def test_nothing_begins_where_another_process_took_the_last_seat_just_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", ""), max_calls=9) as host:
            monkeypatch.setattr(host.table, "take", lambda most: False)
            with pytest.raises(Refused, match="9 calls run already"):
                host.begin(host.settings.routes.named(""))
            assert not host.sessions

    trio.run(main)


def test_a_session_without_a_call_has_nothing_to_record(tmp_path: Path) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", "VoxEngine.terminate()"), record=tmp_path) as host:
            running = host.begin(host.settings.routes.named(""))
            await running.over.wait()
            assert running.outcome
            assert running.outcome.error is None

    trio.run(main)
    assert not list(tmp_path.glob("*.wav"))


def test_what_a_trace_file_could_not_take_is_told_in_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", TALKATIVE), trace=tmp_path) as host:
            await host.begin(host.settings.routes.named("")).over.wait()

    in_virtual_time(main)
    (trace,) = tmp_path.glob("*.jsonl")
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    logged = sum(record["kind"] == "log" for record in records)
    assert 1000 < logged < 3000
    assert records[-2]["kind"] == "end"
    lost = {"kind": "losses", "of": str(trace), "records_not_written": 3000 - logged}
    assert records[-1] == {"t": records[-1]["t"], **lost}


def test_a_trace_has_its_beginning_before_all_else_from_the_first_moment_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", ""), trace=tmp_path) as host:
            session = host.begin(host.settings.routes.named("")).session
            assert [json.loads(line)["kind"] for line in session.trace_log.lines()] == ["session"]
            session.warn("before the file is there")
            session.interrupt("enough")
            await host.drain(60)

    in_virtual_time(main)
    (trace,) = tmp_path.glob("*.jsonl")
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    assert [record["kind"] for record in records[:2]] == ["session", "warning"]


def test_a_trace_that_can_not_be_written_begins_like_any_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", ""), trace=tmp_path / "gone") as host:
            running = host.begin(host.settings.routes.named(""))
            await running.over.wait()
            first, second, *rest = read_records((f"{line}\n" for line in running.session.trace_log.lines()), "trace")
            assert (first["kind"], second["kind"]) == ("session", "error")
            assert rest

    in_virtual_time(main)


def test_a_trace_tells_what_the_clock_missed_in_its_own_time(tmp_path: Path) -> None:
    async def main() -> None:
        scenario = written(tmp_path, "first.py", "from voxrun import *\nsetTimeout(VoxEngine.terminate, 1000)")
        async with hosted(scenario, trace=tmp_path) as host:
            host.ticker.late, host.ticker.skipped = 7, 5
            running = host.begin(scenario)
            await trio.sleep(0.5)
            host.ticker.late, host.ticker.skipped = 9, 8
            await running.over.wait()

    in_virtual_time(main)
    (trace,) = tmp_path.glob("*.jsonl")
    clock, end = [json.loads(line) for line in trace.read_text().splitlines()][-2:]
    assert clock == {"t": clock["t"], "kind": "clock", "late_ticks": 2, "skipped_ticks": 3}
    assert end["kind"] == "end"


def test_a_worker_is_not_killed_while_its_sessions_end_as_slowly_as_they_may(tmp_path: Path) -> None:
    async def main() -> None:
        network = MemoryNetwork()
        scenario = written(tmp_path, "slow.py", SLOW_TO_LEAVE)
        async with trio.open_nursery() as nursery:
            await nursery.start(network.serve, "crm.example", 80, never_answer)
            async with hosted(scenario, network=network) as host:
                host.begin(scenario)
                await trio.sleep(1.0)
                began = trio.current_time()
                await host.drain(0.0)
                assert 4 * ENDING_SECONDS - 0.3 < trio.current_time() - began < CUSHION_SECONDS
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


async def never_answer(stream: trio.abc.Stream) -> None:
    """A server's part."""
    while await stream.receive_some():
        pass
