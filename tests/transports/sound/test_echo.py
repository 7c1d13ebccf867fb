"""What is chosen against echoes."""

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.frame import silence
from voxrun.errors import ConfigurationError
from voxrun.transports.sound.echo import Echo
from voxrun.transports.sound.port_audio import RATE


def test_auto_is_the_gate_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert Echo("auto").mode == "gate"


def test_auto_is_the_gate_where_only_a_neighbour_of_the_extra_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit", ModuleType("livekit"))
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)  # livekit-api brings the one without the other
    assert Echo("auto").mode == "gate"


def test_the_canceller_asks_for_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'voxrun\[aec\]'"):
        Echo("cancel")


def test_off_leaves_what_was_heard() -> None:
    said = tone(RATE, 0.02)
    echo = Echo("off")
    echo.play(said)
    assert echo.clean(said) is said


def test_two_speakers_shut_one_gate_and_silence_opens_it() -> None:
    echo = Echo("gate")
    said = tone(RATE, 0.02)
    echo.play(silence(RATE))
    echo.play(said)
    echo.clean(said)
    assert not echo.clean(said).any()


@pytest.mark.skipif(importlib.util.find_spec("livekit") is None, reason="needs the extra aec")
def test_the_canceller_takes_out_a_room() -> None:
    echo = Echo("auto")
    assert echo.mode == "auto"
    played = np.random.default_rng(1).normal(0, 2000, 6 * RATE).astype(np.int16).reshape(-1, RATE // 50)
    heard = np.roll(played // 3, 3, axis=0)  # 60 ms later
    left = np.concatenate([_clean(echo, *pair) for pair in zip(played, heard, strict=True)]).astype(float)
    assert not left[RATE // 2 : RATE].any()
    assert np.std(left[-2 * RATE :]) < 0.05 * np.std(heard)


def _clean(echo: Echo, played: np.ndarray, heard: np.ndarray) -> np.ndarray:
    echo.play(played)
    return echo.clean(heard)
