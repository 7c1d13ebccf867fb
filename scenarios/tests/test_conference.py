"""What `conference.py` does."""

from pathlib import Path

import soundfile

from voxrun.testing import Simulate, Track, at, say, tone

ANNOUNCEMENT = Path(__file__).parents[1] / "audio" / "announcement.flac"


def test_the_caller_joins_while_somebody_speaks_and_does_not_hear_himself(simulate: Simulate) -> None:
    call = simulate("../conference.py", caller=[at(0.5, say(tone(1.0, hertz=1000)))]).expectOk()
    samples, rate = soundfile.read(ANNOUNCEMENT, dtype="int16")
    assert call.caller.heard.spansOf(Track(samples, rate))
    assert not call.caller.heard.spansOf(call.caller.said)
    assert call.seconds < len(samples) / rate + 0.5
