"""Who is at the far end of a scenario's RTP unit."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.testing.scenarios import write

from voxrun.errors import ConfigurationError
from voxrun.testing import (
    Caller,
    RtpPeer,
    SimulatedCall,
    after,
    agentStops,
    at,
    cut,
    hangUp,
    impair,
    press,
    say,
    simulate,
    speech,
    tone,
)
from voxrun.transports.rtp_socket import RtpSocket

HERE, THERE = "127.0.0.1:4000", "127.0.0.1:4002"
KEY = "AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
OTHER_KEY = KEY.replace("WVNf", "AAAA")

ECHO = """
from voxrun import *

@VoxEngine.on(AppEvents.Started)
def begin(event):
    unit = VoxEngine.createRtpUnit(local="127.0.0.1:4000", {body})
    unit.addEventListener(RtpUnitEvents.FirstAudioPacketReceived, lambda e: Logger.write("audio"))
    unit.addEventListener(RtpUnitEvents.ToneReceived, lambda e: (Logger.write(e.tone), unit.sendDigits("9")))
    unit.addEventListener(RtpUnitEvents.PeerLeft, lambda e: VoxEngine.terminate())
    unit.sendMediaTo(unit)
"""

BRIDGE = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    unit = VoxEngine.createRtpUnit(local="127.0.0.1:4000", remote="127.0.0.1:4002")
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    VoxEngine.sendMediaBetween(event.call, unit)
"""


def echo(folder: Path, unit: str, peer: Any, **more: Any) -> SimulatedCall:
    """A unit that sends back what it gets, and who talks to it."""
    path = folder / "scenario.py"
    path.write_text(ECHO.replace("{body}", unit))
    return simulate(path, caller=None, rtp={THERE: peer}, **more)


STEPS = [at(1.0, say(speech(1.0))), at(3.0, press("42")), at(5.0, hangUp())]


@pytest.mark.parametrize(
    ("unit", "peer"),
    [
        (f'remote="{THERE}"', STEPS),
        (f'remote="{THERE}", rtcpMux=True, codec="PCMA", ptime=40', STEPS),
        ('codec="L16"', RtpPeer(STEPS, codec="L16", remote=HERE)),
        (f'remote="{THERE}", codec="G722", silenceSuppression=True', RtpPeer(STEPS, codec="G722", remote=HERE)),
        (f'remote="{THERE}", crypto="{KEY}"', RtpPeer(STEPS, crypto=KEY)),
        (f'remote="{THERE}", crypto="{KEY}", remoteCrypto="{OTHER_KEY}"', RtpPeer(STEPS, "PCMU", "", OTHER_KEY, KEY)),
    ],
)
def test_a_peer_talks_presses_keys_and_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, peer: Any
) -> None:
    monkeypatch.setattr(RtpSocket, "__init__", None)  # none can be made
    call = echo(tmp_path, unit, peer).expectOk()
    there = call.rtp[THERE]
    assert call.log == ["audio", "4", "2"]
    assert there.digits == "99"
    assert there.said.audible()[0] == pytest.approx((1.0, 2.0), abs=0.03)
    assert there.heard.contains(there.said.slice(1.0, 1.25))  # later the buffer has less wait, with long packets
    assert there.heard.firstSoundAfter(0.0) == pytest.approx(1.0, abs=0.15)
    assert call.seconds == pytest.approx(5.0, abs=0.03)


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    calls = [echo(tmp_path, f'remote="{THERE}"', STEPS, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (call.rtp[THERE].heard.samples for call in calls)
    assert np.array_equal(first, again)
    assert np.array_equal(first, other)
    bad = echo(tmp_path, f'remote="{THERE}"', STEPS, faults=[at(0.0, impair(loss=0.2))])
    assert not np.array_equal(bad.rtp[THERE].heard.samples, first)


def test_a_packet_that_comes_twice_is_none_that_keys_do_not_open(tmp_path: Path) -> None:
    faults = [at(0.0, impair(duplicates=0.2))]
    call = echo(tmp_path, f'remote="{THERE}", crypto="{KEY}"', RtpPeer(STEPS, crypto=KEY), faults=faults).expectOk()
    assert call.rtp[THERE].heard.contains(call.rtp[THERE].said.slice(1.0, 1.25))


@pytest.mark.parametrize(
    ("any_address", "peer", "unit"), [("0.0.0.0", THERE, HERE), ("[::]", "[::1]:4002", "[::1]:4000")]
)
@pytest.mark.parametrize("remote", [True, False])
def test_a_unit_at_all_addresses_is_found_at_each(
    tmp_path: Path, any_address: str, peer: str, unit: str, remote: bool
) -> None:
    to = f', remote="{peer}"' if remote else ""
    path = write(tmp_path, ECHO.replace("127.0.0.1", any_address).replace(", {body}", to))
    call = simulate(path, caller=None, rtp={peer: RtpPeer(STEPS, remote=unit)}).expectOk()
    assert call.rtp[peer].heard.contains(call.rtp[peer].said.slice(1.0, 1.25))


def test_a_unit_at_all_addresses_is_not_where_a_caller_is(tmp_path: Path) -> None:
    body = BRIDGE.replace(HERE, "0.0.0.0:4000") + "    setTimeout(event.call.hangup, 2000)\n"
    path = write(tmp_path, body.replace("VoxEngine.terminate()", "setTimeout(VoxEngine.terminate, 500)"))
    caller = Caller([at(2.2, say(tone(1.0)))], rtp="PCMU")
    assert simulate(path, caller=caller, rtp={THERE: []}).expectOk().caller.said.end == pytest.approx(2.0, abs=0.03)


def test_a_caller_and_a_peer_talk_and_each_has_cues_of_its_own(tmp_path: Path) -> None:
    call = simulate(
        write(tmp_path, BRIDGE),
        caller=[at(1.0, say(speech(1.0, seed=1))), after(agentStops, 1.0, hangUp())],
        rtp={THERE: [after(agentStops, 0.5, say(speech(2.0, seed=2)))]},
    ).expectOk()
    (said,) = call.rtp[THERE].said.audible()
    assert said == pytest.approx((2.5, 4.5), abs=0.15)
    assert call.rtp[THERE].heard.contains(call.caller.said.slice(1.0, 2.0))
    assert call.caller.heard.contains(call.rtp[THERE].said.slice(*said))
    assert call.seconds == pytest.approx(5.5, abs=0.3)


def test_who_is_met_late_or_never(tmp_path: Path) -> None:
    late = 'remote="127.0.0.1:4002")\n    setTimeout(VoxEngine.terminate, 4000'
    path = tmp_path / "scenario.py"
    path.write_text(
        f"from voxrun import *\n\ndef make():\n    VoxEngine.createRtpUnit(local='{HERE}', {late})\n\n"
        "@VoxEngine.on(AppEvents.Started)\ndef begin(event):\n    setTimeout(make, 2000)\n"
    )
    call = simulate(path, caller=None, rtp={THERE: [at(1.0, say(tone(1.0)))], "127.0.0.1:5000": []})
    assert call.rtp[THERE].said.audible()[0] == pytest.approx((2.1, 3.1), abs=0.03)
    assert call.rtp["127.0.0.1:5000"].heard.seconds == 0
    with pytest.raises(
        AssertionError, match=r"^rtp= has somebody at 127\.0\.0\.1:5000, but no RTP unit came to talk to"
    ):
        call.expectOk()


@pytest.mark.parametrize(
    ("unit", "peer", "told"),
    [
        ('codec="L16"', RtpPeer([], "PCMU"), "they were sent a codec that is not theirs"),
        (f'crypto="{KEY}"', RtpPeer([], crypto=OTHER_KEY, remote=HERE), "they were sent what their keys don't open"),
        ('codec="PCMU"', RtpPeer([], crypto=KEY), "they were sent what their keys don't open"),
    ],
)
def test_who_cannot_be_understood_is_told(tmp_path: Path, unit: str, peer: RtpPeer, told: str) -> None:
    call = echo(tmp_path, f'remote="{THERE}", {unit}', peer, idleSeconds=2.0)
    with pytest.raises(AssertionError, match=f"^rtp= has somebody at {THERE}, but {told}"):
        call.expectOk()


@pytest.mark.parametrize("peer", [[], RtpPeer([], crypto=OTHER_KEY, remoteCrypto=KEY)])
def test_a_unit_that_does_not_understand_its_peer_is_told(tmp_path: Path, peer: Any) -> None:
    call = echo(tmp_path, f'remote="{THERE}", crypto="{KEY}"', peer, idleSeconds=2.0)
    told = f"RTP at {HERE} was sent what its keys don't open: RtpPeer(steps, crypto=…) has the key of the unit"
    with pytest.raises(AssertionError, match=f"^{re.escape(told)}$"):
        call.expectOk()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([STEPS], "rtp= takes peers by address, such as"),
        ({4002: STEPS}, "rtp= takes peers by address, such as"),
        ({"there": STEPS}, "'there' is no address for RTP"),
        ({THERE: STEPS[0]}, "rtp= takes a list of steps"),
        ({THERE: [at(1.0, cut())]}, "rtp= has Cut(), which is no CallerAction"),
        ({THERE: Caller(STEPS)}, "rtp= takes a list of steps"),
        ({THERE: RtpPeer(STEPS, codec="speex")}, "no codec is called 'speex'"),
        ({THERE: RtpPeer(STEPS, remote="here")}, "'here' is no address for RTP"),
    ],
)
def test_what_is_no_peer_is_told(tmp_path: Path, given: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        simulate(write(tmp_path, BRIDGE), rtp=given)
