"""What `announce.py` does."""

from pathlib import Path

import soundfile

from voxrun.testing import Simulate

ANNOUNCEMENT = Path(__file__).parents[1] / "audio" / "announcement.flac"


def test_the_announcement_is_played_whole_then_the_call_ends(simulate: Simulate) -> None:
    call = simulate("../announce.py").expectOk()
    samples, rate = soundfile.read(ANNOUNCEMENT, dtype="int16")
    found = call.caller.heard.contains(samples)
    assert found
    assert found.at < 0.5
    assert call.seconds < found.at + len(samples) / rate + 0.1
