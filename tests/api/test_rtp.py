"""RTP units of a scenario, over real sockets on loopback."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
import trio
from tests.kit import Ran, ScriptedLeg
from tests.others import Moment, undisturbed

from voxrun.errors import ConfigurationError
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork

Perform = Callable[..., Ran]

KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
CRYPTO = f'crypto="AES_CM_128_HMAC_SHA1_80 inline:{KEY}"'


@pytest.fixture
def perform(tmp_path: Path) -> Perform:
    """Runs the text of a scenario in real time, for at most 8 s."""

    async def run(text: str, is_sandboxed: bool) -> Ran:
        path = tmp_path / "scenario.py"
        path.write_text("from voxrun import *\n" + dedent(text))
        services = Services(secrets=Secrets({}, {}), network=MemoryNetwork(), is_sandboxed=is_sandboxed)
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

    return lambda text, is_sandboxed=False: trio.run(run, text, is_sandboxed)


def test_two_units_talk_send_tones_and_take_leave(perform: Perform) -> None:
    began = Moment()
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
    with undisturbed(began):
        assert all(record["packets_sent"] > 10 for record in losses)


@pytest.mark.parametrize("wait", [0, 200])
def test_a_port_is_free_as_soon_as_its_unit_is_stopped(perform: Perform, wait: int) -> None:
    ran = perform(
        f"""
        one = VoxEngine.createRtpUnit(local="127.0.0.1:0", rtcpMux=True)
        peer = VoxEngine.createRtpUnit(local="127.0.0.1:0", rtcpMux=True, remote=one.localAddress())

        def again():
            one.stop()
            two = VoxEngine.createRtpUnit(local=one.localAddress(), rtcpMux=True)
            Logger.write(two.localAddress() == one.localAddress())
            two.addEventListener(RtpUnitEvents.FirstAudioPacketReceived, lambda e: VoxEngine.terminate())
            peer.sendMediaTo(peer)
            VoxEngine.createToneScriptPlayer("440@-10;10(*/0/1)").sendMediaTo(peer)

        again() if not {wait} else setTimeout(again, {wait})
        """
    )
    assert ran.outcome.error is None
    assert ran.logged == ["True"]


def test_what_is_none_is_not_given(perform: Perform) -> None:
    ran = perform(
        """
        nothing = dict.fromkeys(("remote", "codec", "ptime", "rtcpMux", "silenceSuppression"))
        VoxEngine.createRtpUnit(local="127.0.0.1:0", **nothing)
        VoxEngine.terminate()
        """
    )
    assert ran.outcome.error is None


def test_a_ptime_that_is_a_text_is_told_as_one(perform: Perform) -> None:
    ran = perform("VoxEngine.createRtpUnit(local='127.0.0.1:0', ptime='20')")
    assert "PCMU is sent with a ptime of 10, 20, 30, 40, 60 ms, not '20'" in str(ran.outcome.error)


def test_the_last_port_has_none_behind_it_for_reports(perform: Perform) -> None:
    ran = perform("VoxEngine.createRtpUnit(local='127.0.0.1:65535')")
    assert isinstance(ran.outcome.error, ConfigurationError)
    assert "127.0.0.1:65535 has no port behind it, for RTCP: choose another, or rtcpMux" in str(ran.outcome.error)


def test_a_sandbox_has_no_way_out(perform: Perform) -> None:
    ran = perform("VoxEngine.createRtpUnit(local='127.0.0.1:0', remote='127.0.0.1:9')", is_sandboxed=True)
    assert "scenario.py:2: while loading: --sandbox allows no RTP of a scenario's own: leave it out" in str(
        ran.outcome.error
    )


def test_tones_of_a_unit_that_was_stopped_go_nowhere(perform: Perform) -> None:
    ran = perform(
        """
        unit = VoxEngine.createRtpUnit(local="127.0.0.1:0", rtcpMux=True)
        unit.stop()
        unit.sendDigits("7")
        VoxEngine.terminate()
        """
    )
    assert ran.outcome.error is None
    assert "rtp-1.sendDigits() has no effect: the unit was stopped" in ran.of_kind("warning")[0]["message"]


def test_each_peer_that_takes_leave_is_told(perform: Perform) -> None:
    ran = perform(
        """
        one = VoxEngine.createRtpUnit(local="127.0.0.1:0", rtcpMux=True)
        player = VoxEngine.createToneScriptPlayer("440@-10;10(*/0/1)")

        def talk(local):
            peer = VoxEngine.createRtpUnit(local=local, rtcpMux=True, remote=one.localAddress())
            player.sendMediaTo(peer)
            setTimeout(lambda: setTimeout(peer.stop, 200), 100)  # a machine that stalls skips one wait, not both
            return peer

        first, told = talk("127.0.0.1:0"), []

        @one.on(RtpUnitEvents.PeerLeft)
        def again(event):
            Logger.write(event.name)
            told.append(event)
            if len(told) == 1:
                setTimeout(lambda: talk(first.localAddress()), 50)
            else:
                setTimeout(VoxEngine.terminate, 200)
        """
    )
    assert ran.outcome.error is None
    assert ran.logged == ["RtpUnit.PeerLeft"] * 2


def test_two_units_talk_in_secret(perform: Perform) -> None:
    ran = perform(
        f"""
        one = VoxEngine.createRtpUnit(local="127.0.0.1:0", {CRYPTO})
        two = VoxEngine.createRtpUnit(local="127.0.0.1:0", remote=one.localAddress(), {CRYPTO})
        Logger.write("{KEY}")

        @one.on(RtpUnitEvents.FirstAudioPacketReceived)
        def over(event):
            two.sendDigits("7p")

        @one.on(RtpUnitEvents.ToneReceived)
        def end(event):
            Logger.write(event.tone)
            VoxEngine.terminate()
        """
    )
    assert ran.outcome.error is None
    assert ran.logged == ["***", "7"]
    assert KEY not in json.dumps(ran.records)
    losses = [record for record in ran.of_kind("losses") if str(record["of"]).startswith("RTP")]
    assert [record["packets_not_authentic"] for record in losses] == [0, 0]


@pytest.mark.parametrize(
    ("module", "extra", "parameters"), [("av", "opus", 'codec="opus"'), ("pylibsrtp", "srtp", "CRYPTO")]
)
def test_a_missing_extra_is_named(
    perform: Perform, monkeypatch: pytest.MonkeyPatch, module: str, extra: str, parameters: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    ran = perform(f'VoxEngine.createRtpUnit(local="127.0.0.1:0", {parameters.replace("CRYPTO", CRYPTO)})')
    assert isinstance(ran.outcome.error, ConfigurationError)
    assert f"pip install 'voxrun[{extra}]'" in str(ran.outcome.error)


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
        ('local="127.0.0.1:0", ptime=25', "PCMU is sent with a ptime of 10, 20, 30, 40, 60 ms, not 25"),
        ('local="127.0.0.1:0", codec="opus", ptime=40', "opus is sent with a ptime of 20 ms, not 40"),
        ('local="127.0.0.1:0", remote="[::1:5"', "is no address for RTP"),
        (f'local="127.0.0.1:0", crypto="AES_CM_256 inline:{KEY}"', "crypto is written as in SDP"),
        (f'local="127.0.0.1:0", crypto="AES_CM_128_HMAC_SHA1_80 inline:{KEY[1:]}"', "the key after inline: is none"),
        (f'local="127.0.0.1:0", remoteCrypto="AES_CM_128_HMAC_SHA1_80 inline:{KEY}"', "the peer's key beside `crypto`"),
        ('local="127.0.0.1:0", crypto=""', "crypto is written as in SDP"),
        ('local="127.0.0.1:0", crypto=VoxEngine.getSecretValue("UNSET")', "crypto is written as in SDP"),
        (f'local="127.0.0.1:0", {CRYPTO}, remoteCrypto=""', "crypto is written as in SDP"),
        (f'local="127.0.0.1:0", crytpo="AES_CM_128_HMAC_SHA1_80 inline:{KEY}"', "did you mean 'crypto'?"),
        (f'local="127.0.0.1:4 inline:{KEY}"', "is no address for RTP"),
        (f'local="127.0.0.1:0", codec="L16/48000", {CRYPTO}', "20 ms of L16/48000 are too much for one packet of SRTP"),
        ('local="127.0.0.1:0", remotely="127.0.0.1:5"', "did you mean 'remote'?"),
        ('remote="127.0.0.1:5"', "needs the parameter 'local'"),
    ],
)
def test_what_cannot_be_is_explained(perform: Perform, parameters: str, message: str) -> None:
    ran = perform(f"VoxEngine.createRtpUnit({parameters})")
    assert message in str(ran.outcome.error)
    assert KEY[1:] not in json.dumps(ran.records)
