"""A leg with both directions on a real stereo file, in virtual time."""

import errno
import wave
from pathlib import Path

import numpy as np
import pytest
import trio
import trio.testing
from numpy.typing import NDArray
from tests.kit import Play, ScriptedLeg, Setting
from tests.media.noise import joined_late, noise

from voxrun.errors import DeviceError
from voxrun.media.recorded_leg import RecordedLeg
from voxrun.session.session import Session
from voxrun.transports.wav import WavWriter

SAID = noise(3)

ECHO = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def echo(event):
        call = event.call
        call.answer()
        setTimeout(lambda: call.sendMediaTo(call), 210)
        setTimeout({end}, 1010)
"""


class Disk(WavWriter):
    """A disk with room for so many moments."""

    room = 10**9

    def write(self, samples: NDArray[np.int16]) -> None:
        self.room -= len(samples)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(samples)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.wav"


def recorded(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16).reshape(-1, 2)


@pytest.mark.parametrize("end", ["call.hangup", "VoxEngine.terminate"])
def test_left_is_said_and_right_is_heard_of_the_same_moment(play: Play, path: Path, end: str) -> None:
    leg = ScriptedLeg(says=SAID)
    ran = play(ECHO.format(end=end), Setting(leg=RecordedLeg(leg, Disk(path, rate=16_000, channels=2), "call.wav")))
    assert ran.outcome.error is None
    stereo = recorded(path)
    assert np.array_equal(stereo[:, 0], SAID[:16_000])
    assert np.array_equal(stereo[:, 1], leg.everything_heard)
    assert not stereo[:3200, 1].any()
    assert np.array_equal(stereo[3200:, 1], joined_late(SAID[3200:16_000]))


def test_a_call_that_is_refused_leaves_an_empty_file(play: Play, path: Path) -> None:
    disk = Disk(path, rate=16_000, channels=2)
    with_file = RecordedLeg(ScriptedLeg(says=SAID), disk, "call.wav")
    play(ECHO.replace("call.answer()", "call.reject(486)").format(end="call.hangup"), Setting(leg=with_file))
    disk.close()
    assert len(recorded(path)) == 0


def test_ticks_skipped_after_a_stall_are_silence_on_both_sides(play: Play, path: Path) -> None:
    async def stall(session: Session) -> None:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, trio.testing.MockClock)
        await trio.sleep(0.31)
        clock.jump(0.2)

    leg = ScriptedLeg(says=SAID)
    with_file = RecordedLeg(leg, Disk(path, rate=16_000, channels=2), "call.wav")
    play(ECHO.format(end="call.hangup"), Setting(leg=with_file, meanwhile=stall))
    stereo = recorded(path)
    assert len(stereo) == 16_000
    assert len(leg.heard) == 44
    assert not stereo[15 * 320 : 21 * 320].any()
    assert np.array_equal(stereo[21 * 320 :, 0], SAID[15 * 320 : 44 * 320])
    assert np.array_equal(stereo[21 * 320 :, 1], SAID[15 * 320 : 44 * 320])


def test_a_full_disk_is_told_once_and_the_call_goes_on(play: Play, path: Path) -> None:
    leg = ScriptedLeg(says=SAID)
    disk = Disk(path, rate=16_000, channels=2)
    disk.room = 8000
    ran = play(ECHO.format(end="call.hangup"), Setting(leg=RecordedLeg(leg, disk, "call.wav")))
    message = "call.wav can't be written: No space left on device; what was recorded before is kept"
    assert [record["message"] for record in ran.of_kind("error")] == [message]
    assert isinstance(ran.outcome.error, DeviceError)
    assert len(leg.heard) == 50
    assert 4000 <= len(recorded(path)) <= 8000
    assert np.array_equal(recorded(path)[:, 0], SAID[: len(recorded(path))])
