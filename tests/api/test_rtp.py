"""RTP units of a scenario, over real sockets on loopback."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
import trio
from tests.kit import Ran, ScriptedLeg

from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork

Perform = Callable[..., Ran]


@pytest.fixture
def perform(tmp_path: Path) -> Perform:
    """Runs the text of a scenario in real time, for at most 8 s."""

    async def run(text: str) -> Ran:
        path = tmp_path / "scenario.py"
        path.write_text("from voxrun import *\n" + dedent(text))
        services = Services(secrets=Secrets({}, {}), network=MemoryNetwork())
        ticker = Ticker()
        session = Session(path, services, ticker)
        records: list[dict[str, object]] = []
        session.trace_log.subscribe(lambda line: records.append(json.loads(line)))
        with trio.fail_after(8):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ticker.run)
                outcome = await session.run(ScriptedLeg())
                nursery.cancel_scope.cancel()
        return Ran(outcome, records, 0.0)

    return lambda text: trio.run(run, text)


def test_two_units_talk_send_tones_and_take_leave(perform: Perform) -> None:
    ran = perform(
        """
        one = VoxEngine.createRtpUnit(local="127.0.0.1:0", codec="PCMA", rtcpMux=True)
        two = VoxEngine.createRtpUnit(local="127.0.0.1:0", codec="PCMA", rtcpMux=True, remote=one.localAddress())
        player = VoxEngine.createToneScriptPlayer("440@-10;10(*/0/1)")
        player.sendMediaTo(two)
        for name in ("FirstAudioPacketReceived", "PeerLeft"):
            one.addEventListener(getattr(RtpUnitEvents, name), lambda e: Logger.write(e.name))

        @one.on(RtpUnitEvents.FirstAudioPacketReceived)
        def answer(event):
            one.sendMediaTo(one)
            two.sendDigits("7")

        @one.on(RtpUnitEvents.ToneReceived)
        def end(event):
            Logger.write(event.tone)
            setTimeout(two.stop, 200)

        @one.on(RtpUnitEvents.PeerLeft)
        def over(event):
            VoxEngine.terminate()
        """
    )
    assert ran.outcome.error is None
    assert ran.logged == ["RtpUnit.FirstAudioPacketReceived", "7", "RtpUnit.PeerLeft"]
    losses = [record for record in ran.of_kind("losses") if str(record["of"]).startswith("RTP")]
    assert len(losses) == 2
    assert all(record["packets_lost"] == record["packets_malformed"] == 0 for record in losses)
    assert all(record["packets_sent"] > 10 for record in losses)


def test_both_ports_are_given_back(perform: Perform) -> None:
    ran = perform(
        """
        unit = VoxEngine.createRtpUnit(local="127.0.0.1:0")
        Logger.write(unit.localAddress())
        setTimeout(VoxEngine.terminate, 300)
        """
    )
    port = int(ran.logged[0].rpartition(":")[2])
    for offset in (0, 1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind(("127.0.0.1", port + offset))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ('local="here:4000"', "'here' is no IP address"),
        ('local="127.0.0.1"', "is no address for RTP"),
        ('local="127.0.0.1:70000"', "is no address for RTP"),
        ('local="203.0.113.1:4000"', "can't listen on 203.0.113.1:4000 for RTP"),
        ('local="127.0.0.1:0", codec="speex"', "no codec is called 'speex'"),
        ('local="127.0.0.1:0", ptime=25', "ptime is one of 10, 20, 30, 40, 60 ms, not 25"),
        ('local="127.0.0.1:0", remote="[::1:5"', "is no address for RTP"),
        ('local="127.0.0.1:0", remotely="127.0.0.1:5"', "did you mean 'remote'?"),
        ('remote="127.0.0.1:5"', "needs the parameter 'local'"),
    ],
)
def test_what_cannot_be_is_explained(perform: Perform, parameters: str, message: str) -> None:
    ran = perform(f"VoxEngine.createRtpUnit({parameters})")
    assert message in str(ran.outcome.error)
