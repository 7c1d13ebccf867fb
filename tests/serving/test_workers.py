"""Real worker processes behind one port: killed, drained, asked as one."""

import json
import os
import re
import signal
import wave
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import trio
from tests.others import undisturbed
from tests.serving.server import TOKEN, Server, begin, figure_is, says, serving, until
from tests.serving.twilio_peer import TwilioPeer

from voxrun.errors import RemoteError
from voxrun.transports.network import TcpNetwork


def frames_in(path: Path) -> int:
    """How many samples a recording has: an error if it can't be read."""
    with wave.open(str(path)) as file:
        assert file.getnchannels() == 2
        assert len(file.readframes(file.getnframes())) == file.getnframes() * 4
        return int(file.getnframes())


async def goes_on(peer: TwilioPeer) -> None:
    """Wait until more of the call is heard."""
    heard = peer.heard
    with trio.fail_after(10):
        while peer.heard <= heard + 15:  # noqa: ASYNC110 - it only counts
            await trio.sleep(0.02)


@pytest.mark.alone
def test_a_killed_worker_takes_only_its_own_calls_along(tmp_path: Path) -> None:
    async def main() -> tuple[float, int, float]:
        """After how many seconds new calls are heard, and what of the others' is, in frames, with what gap."""
        records = tmp_path / "records"
        options = ("--workers", "3", "--record", str(records), "--drain", "5")
        async with serving(tmp_path, *options) as server, trio.open_nursery() as nursery:
            peers = {seed: TwilioPeer(seed=seed) for seed in range(1, 13)}
            for peer in peers.values():
                nursery.start_soon(call, server, peer)
            for peer in peers.values():
                await peer.connected.wait()
            at = {int(it["caller"][2:]): it for it in await server.sessions()}
            victim = at[1]["worker"]
            lost = {seed for seed, it in at.items() if it["worker"] == victim}
            begun = await server.figure("voxrun_calls_total")
            await trio.sleep(0.5)
            os.kill(server.worker(victim), signal.SIGKILL)
            heard = {seed: peer.heard for seed, peer in peers.items()}
            newcomers = [TwilioPeer(seed=seed) for seed in range(20, 26)]
            killed = trio.current_time()
            for peer in newcomers:
                nursery.start_soon(call, server, peer)
            with trio.fail_after(20):
                for peer in newcomers:
                    await peer.connected.wait()
            served_after = trio.current_time() - killed
            await trio.sleep(1.0)
            assert {seed for seed, peer in peers.items() if peer.closed} == lost
            others = peers.keys() - lost
            least = min(peers[seed].heard - heard[seed] for seed in others)
            longest_gap = max(peers[seed].longest_gap for seed in others)
            await until(lambda: figure_is(server, "voxrun_workers", 3))
            assert await server.figure("voxrun_worker_restarts_total") == 1
            assert await server.figure("voxrun_calls_total") == begun + len(newcomers)
            assert any(f"worker {victim} " in line and "(status -9)" in line for line in server.lines)
            for peer in (*peers.values(), *newcomers):
                peer.hang_up.set()
            await until(lambda: figure_is(server, "voxrun_sessions", 0))
            for seed, it in at.items():
                assert frames_in(records / f"{it['id']}.wav") > 8000 * (0.4 if seed in lost else 1.5)
            server.process.terminate()
            assert await server.process.wait() == 0
        return served_after, least, longest_gap

    with undisturbed():
        served_after, least, longest_gap = trio.run(main)
        assert served_after < 2
        assert least >= 45
        assert longest_gap < 0.25


@pytest.mark.slow
def test_all_workers_drain_together_and_are_asked_as_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, "--workers", "2", "--drain", "20") as server, trio.open_nursery() as nursery:
            begun = [await begin(server, "")]
            while {it["worker"] for it in begun} != {1, 2}:  # one may be overloaded for a while
                await trio.sleep(0.2)
                begun.append(await begin(server, ""))
            assert {it["id"] for it in await server.sessions()} == {it["id"] for it in begun}
            for it in begun:
                lines = (await server.control.get(f"/sessions/{it['id']}/trace")).text.splitlines()
                assert '"kind":"session"' in lines[0]
                assert (await server.control.post(it["mediaSessionAccessUrl"])).status_code == 204
                assert (await server.control.delete(f"/sessions/{it['id']}")).status_code == 204
            peer = TwilioPeer()
            nursery.start_soon(call, server, peer)
            await peer.connected.wait()
            assert (await server.control.post("/drain")).status_code == 202
            await until(lambda: refuses(server))
            await goes_on(peer)
            peer.hang_up.set()
            with trio.fail_after(5):
                assert await server.process.wait() == 0

    trio.run(main)


@pytest.mark.slow
def test_a_signal_to_all_processes_is_one_and_so_is_one_after_a_drain(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, "--workers", "2", "--drain", "20") as server, trio.open_nursery() as nursery:
            peer = TwilioPeer()
            nursery.start_soon(call, server, peer)
            await peer.connected.wait()
            (busy,) = [server.worker(it["worker"]) for it in await server.sessions()]
            assert (await server.control.post("/drain")).status_code == 202
            for process in (busy, server.process.pid):  # as systemd does
                os.kill(process, signal.SIGTERM)
            await goes_on(peer)
            peer.hang_up.set()
            with trio.fail_after(5):
                assert await server.process.wait() == 0

    trio.run(main)


@pytest.mark.slow
def test_a_second_signal_ends_all_calls_at_once_and_completes_their_files(tmp_path: Path) -> None:
    async def main() -> None:
        records = tmp_path / "records"
        options = ("--workers", "2", "--drain", "60", "--record", str(records))
        async with serving(tmp_path, *options) as server, trio.open_nursery() as nursery:
            peer = TwilioPeer()
            nursery.start_soon(call, server, peer)
            await peer.connected.wait()
            await trio.sleep(0.5)
            server.process.send_signal(signal.SIGINT)
            await until(lambda: refuses(server))
            assert peer.closed is None
            server.process.send_signal(signal.SIGINT)
            with trio.fail_after(5):
                await server.process.wait()
            (recording,) = os.listdir(records)
            assert frames_in(records / recording) > 0.4 * 8000

    trio.run(main)


@pytest.mark.slow
def test_workers_whose_supervisor_is_killed_end_their_calls_in_good_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, "--workers", "2", "--drain", "0") as server, trio.open_nursery() as nursery:
            peer = TwilioPeer()
            nursery.start_soon(call, server, peer)
            await peer.connected.wait()
            workers = [server.worker(number) for number in (1, 2)]
            server.process.kill()
            await until(lambda: gone(workers))
            await until(lambda: is_set(peer))
            assert peer.closed
            assert peer.closed.code == 1000

    trio.run(main)


@pytest.mark.slow
def test_the_port_of_a_killed_supervisor_is_free_at_once_and_its_calls_go_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, "--workers", "2", "--drain", "30") as server, trio.open_nursery() as nursery:
            peer = TwilioPeer()
            nursery.start_soon(call, server, peer)
            await peer.connected.wait()
            workers = [server.worker(number) for number in (1, 2)]
            server.process.kill()
            await until(lambda: is_free(int(server.media.split(":")[2].split("/")[0])), seconds=5)
            await goes_on(peer)
            peer.hang_up.set()
            await until(lambda: gone(workers))

    trio.run(main)


async def is_free(port: int) -> bool:
    """Whether somebody else can listen there."""
    try:
        (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
    except OSError:
        return False
    await listener.aclose()
    return True


@pytest.mark.alone
def test_a_worker_that_takes_no_calls_leaves_them_to_those_that_do(tmp_path: Path) -> None:
    async def main() -> int:
        async with serving(tmp_path, "--workers", "2") as server:
            session = await begin(server)
            os.kill(server.worker(session["worker"]), signal.SIGTERM)
            await until(lambda: says(server, f"worker {session['worker']}: no more calls are taken"))
            port = int(server.media.split(":")[2].split("/")[0])
            answers = [await asked_for_health(await trio.open_tcp_stream("127.0.0.1", port)) for _ in range(60)]
        return answers.count("503")

    with undisturbed():
        assert trio.run(main) <= 6  # some: the other one may be held up for as long as this one hesitates


@pytest.mark.slow
def test_max_calls_holds_for_all_workers_together_and_a_killed_one_gives_its_calls_back(tmp_path: Path) -> None:
    async def main() -> None:
        options = ("--workers", "3", "--max-calls", "4")
        async with serving(tmp_path, *options) as server, trio.open_nursery() as nursery:
            peers = [TwilioPeer(seed=seed) for seed in range(1, 5)]
            for peer in peers:
                nursery.start_soon(call, server, peer)
            for peer in peers:
                await peer.connected.wait()
            for seed in range(10, 19):
                assert await refused(server.media, TwilioPeer(seed=seed)) == 503
            assert await refuses(server)
            assert await server.figure("voxrun_refusals_total") >= 10
            victim = (await server.sessions())[0]["worker"]
            os.kill(server.worker(victim), signal.SIGKILL)
            await until(lambda: figure_is(server, "voxrun_worker_restarts_total", 1))
            await until(lambda: figure_is(server, "voxrun_workers", 3))
            assert await says(server, f"worker {victim} has ended (status -9), its calls with it")
            lost = [peer for peer in peers if peer.closed]
            newcomers = [TwilioPeer(seed=seed) for seed in range(20, 20 + len(lost))]
            assert newcomers
            for peer in newcomers:
                nursery.start_soon(call, server, peer)
            with trio.fail_after(30):
                for peer in newcomers:
                    await peer.connected.wait()
            assert await server.figure("voxrun_sessions") == 4
            assert await refused(server.media, TwilioPeer(seed=30)) == 503
            for peer in (*peers, *newcomers):
                peer.hang_up.set()
            await until(lambda: figure_is(server, "voxrun_sessions", 0))
            await until(lambda: takes(server))

    trio.run(main)


@pytest.mark.slow
def test_one_address_has_so_many_connections_to_all_workers_together(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, "--workers", "3", "--max-per-address", "4") as server:
            port = int(server.media.split(":")[2].split("/")[0])
            streams = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(10)]
            await until(lambda: figure_is(server, "voxrun_refusals_total", 6))
            assert [await asked_for_health(stream) for stream in streams].count("200") == 4
            assert await asked_for_health(await trio.open_tcp_stream("127.0.0.1", port)) == "200"

    trio.run(main)


async def asked_for_health(stream: trio.SocketStream) -> str:
    """The status of the answer; empty for a connection that was refused."""
    async with stream:
        try:
            await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            return (await stream.receive_some())[9:12].decode()
        except trio.BrokenResourceError:
            return ""


@pytest.mark.slow
def test_a_ticket_that_one_worker_took_opens_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        options = ("--workers", "2", "--token", "let-me-in")
        async with serving(tmp_path, *options) as server, trio.open_nursery() as nursery:
            url = await ticket(server, "let-me-in")
            peer = TwilioPeer()
            nursery.start_soon(peer.call, TcpNetwork(), url)
            await peer.connected.wait()
            (session,) = await server.sessions()
            taker = server.worker(session["worker"])
            os.kill(taker, signal.SIGSTOP)
            try:
                assert await refused(url, TwilioPeer()) == 403
            finally:
                os.kill(taker, signal.SIGCONT)
            assert await server.figure('voxrun_refusals_total{reason="replay"}') == 1
            again = TwilioPeer(seed=2)
            nursery.start_soon(again.call, TcpNetwork(), await ticket(server, "let-me-in"))
            await again.connected.wait()
            for it in (peer, again):
                it.hang_up.set()

    trio.run(main)


async def ticket(server: Server, token: str) -> str:
    """Where a call may go once; asked for again while the server is overloaded."""
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            asked = server.media.replace("ws", "http", 1).replace("/media/twilio", f"/twiml?token={token}")
            found = re.search(r'<Stream url="(.+?)">', (await client.get(asked)).text)
            if found:
                return found[1]
            await trio.sleep(0.1)


async def refused(url: str, peer: TwilioPeer) -> int:
    """The status with which a call is refused."""
    with pytest.raises(RemoteError) as raised:
        await peer.call(TcpNetwork(), url)
    return raised.value.code


async def takes(server: Server) -> bool:
    """Whether a session can begin."""
    return bool((await server.control.post("/sessions", json={})).status_code == 201)


async def call(server: Server, peer: TwilioPeer) -> None:
    """A call; tried again while the server, on a machine that has much to do, is overloaded."""
    while peer.closed is None or peer.closed.code == 1013:
        try:
            await peer.call(TcpNetwork(), server.media)
        except RemoteError as error:
            if error.code != 503:
                raise
        await trio.sleep(0.1)


async def refuses(server: Server) -> bool:
    """Whether no worker takes calls any more."""
    return bool((await server.control.post("/sessions")).status_code == 503)


async def gone(processes: list[int]) -> bool:
    """Whether none of them runs."""
    return not any(os.path.exists(f"/proc/{process}") for process in processes)  # noqa: ASYNC240 - no disk


async def is_set(peer: TwilioPeer) -> bool:
    """Whether its connection has ended."""
    return peer.closed is not None


@pytest.mark.slow
def test_one_process_is_controlled_alike_and_keeps_its_own_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXRUN_CONTROL_TOKEN", TOKEN)
    asks = """
for name in ("VOXRUN_TOKEN", "VOXRUN_CONTROL_TOKEN", "OTHER"):
    Logger.write(f"{name} is {VoxEngine.getSecretValue(name)}")
Logger.write("the-control-token")
"""

    async def main() -> None:
        options = ("--secret", "VOXRUN_TOKEN=let-me-in", "--secret", "OTHER=abcdef", "--otel")
        async with serving(tmp_path, *options, script=asks) as server:
            session = await begin(server)
            assert session["worker"] == 0
            logged: list[str] = []

            async def has_logged_all() -> bool:
                trace = (await server.control.get(f"/sessions/{session['id']}/trace")).text
                records = map(json.loads, trace.splitlines())
                logged[:] = [record["message"] for record in records if record["kind"] == "log"]
                return len(logged) == 4

            await until(has_logged_all)  # the scenario is read in a thread
            assert logged == ["VOXRUN_TOKEN is None", "VOXRUN_CONTROL_TOKEN is None", "OTHER is ***", "***"]
            assert await server.figure("voxrun_sessions") == 1
            assert (await server.control.post("/drain")).status_code == 202
            assert (await server.control.delete(f"/sessions/{session['id']}")).status_code == 204
            with trio.fail_after(5):
                assert await server.process.wait() == 0

    trio.run(main)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "workers"])
def test_so_many_may_be_silent_at_the_control_port(tmp_path: Path, options: tuple[str, ...]) -> None:
    async def main() -> None:
        async with serving(tmp_path, *options) as server:
            address = (str(server.control.base_url.host), int(server.control.base_url.port or 0))
            silent = [await trio.open_tcp_stream(*address) for _ in range(66)]
            with trio.fail_after(5):
                for one in silent[64:]:
                    assert await one.receive_some() == b""
            await until(lambda: says(server, "refused 2: too many connections"))
            for one in silent:
                await one.aclose()
            await until(lambda: says_again(server))

    async def says_again(server: Server) -> bool:
        with suppress(httpx.RemoteProtocolError, httpx.ReadError):
            return await server.sessions() == []
        return False

    trio.run(main)
