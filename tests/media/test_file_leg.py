"""A caller who is a file, in virtual time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.kit import Play, Setting, tone
from tests.media.noise import noise

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError
from voxrun.media.file_leg import FileLeg
from voxrun.session.session import Session
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.wav import WavWriter

SAID = noise(2.71)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "caller.wav"
    file = WavWriter(path, rate=16_000, channels=1)
    file.write(SAID)
    file.close()
    return path


class Ear(FileLeg):
    """A file leg whose call's side is kept."""

    def __init__(self, source: AudioFile) -> None:
        super().__init__(source)
        self.heard: list[Samples] = []

    def write(self, frame: Samples) -> None:
        super().write(frame)
        self.heard.append(frame)


def test_the_file_is_said_once_from_the_connection_on_then_silence(play: Play, path: Path) -> None:
    leg = Ear(AudioFile(path))
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def echo(event):
            call = event.call
            call.sendMediaTo(call)
            setTimeout(call.answer, 1010)
            setTimeout(call.hangup, 5010)
        """,
        Setting(leg=leg),
    )
    assert ran.outcome.error is None
    heard = np.concatenate(leg.heard)
    assert len(heard) == 200 * 320
    assert np.array_equal(heard[: len(SAID)], SAID)
    assert not heard[len(SAID) :].any()


@pytest.mark.parametrize(("own", "rate"), [(11_025, 16_000), (22_050, 24_000), (32_000, 48_000), (96_000, 48_000)])
def test_a_file_at_a_rate_that_no_session_has_is_said_at_one(play: Play, tmp_path: Path, own: int, rate: int) -> None:
    path = tmp_path / "caller.wav"
    file = WavWriter(path, rate=own, channels=1)
    file.write(tone(own, 1.0))
    file.close()
    leg = Ear(AudioFile(path))
    play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def echo(event):
            event.call.sendMediaTo(event.call)
            event.call.answer()
            setTimeout(event.call.hangup, 1510)
        """,
        Setting(leg=leg),
    )
    heard, said = np.concatenate(leg.heard), tone(rate, 1.0)
    assert leg.rate == rate
    inside = slice(rate // 100, -rate // 100)
    late = 10_000 * np.pi * 440 / rate if own == 11_025 else 0  # half a sample: see test_conversion.py
    assert np.abs(heard[: len(said)][inside].astype(int) - said[inside]).max() < 100 + late
    assert not heard[rate:].any()


@pytest.mark.parametrize("after", [110, 5010])
def test_the_file_is_closed_with_the_call(play: Play, path: Path, after: int) -> None:
    source = AudioFile(path)
    play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            event.call.answer()
            setTimeout(event.call.hangup, {after})
        """,
        Setting(leg=FileLeg(source)),
    )
    with pytest.raises(RuntimeError, match="closed"):
        source.rewind()


def test_what_a_slow_disk_keeps_the_call_waiting_for_is_silence_and_counted(play: Play, path: Path) -> None:
    leg = Ear(AudioFile(path))
    leg.read()  # by a tick that comes before the leg's task does

    async def slowly(work: Callable[..., object], *args: object) -> object:
        await trio.sleep(0.09)
        return work(*args)

    async def listen(session: Session) -> None:
        await trio.sleep(0.005)
        session.services = replace(session.services, offload=slowly)
        assert session.call is not None
        session.call.sendMediaTo(session.call)
        session.call.answer()
        await trio.sleep(4)
        session.call.hangup()

    ran = play("", Setting(leg=leg, meanwhile=listen))
    heard = np.concatenate(leg.heard)
    assert not heard[: 4 * 320].any()
    assert np.array_equal(heard[4 * 320 :][: len(SAID)], SAID)
    assert [record["frames_late"] for record in ran.of_kind("losses") if record["of"] == "the caller's file"] == [5]


class Torn(AudioFile):
    """A file whose disk gives up after the first second."""

    blocks = 2

    def read(self, count: int) -> Samples:
        self.blocks -= 1
        if self.blocks < 0:
            raise ConfigurationError("the disk has gone")
        return super().read(count)


def test_a_damaged_file_is_silence_from_there_and_the_session_says_so(play: Play, path: Path) -> None:
    leg = Ear(Torn(path))

    async def listen(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        session.call.sendMediaTo(session.call)
        session.call.answer()
        await trio.sleep(2)
        session.call.hangup()

    ran = play("", Setting(leg=leg, meanwhile=listen))
    heard = np.concatenate(leg.heard)
    assert np.array_equal(heard[:16_000], SAID[:16_000])
    assert not heard[16_000:].any()
    assert str(ran.outcome.error) == "the disk has gone"
    assert "Call.Disconnected" in ran.events
