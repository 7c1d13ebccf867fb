"""What `echo.py` does."""

import pytest

from voxrun.testing import Simulate, at, say, speech


def test_the_caller_hears_himself_for_ten_seconds(simulate: Simulate) -> None:
    call = simulate("../echo.py", caller=[at(1.0, say(speech(12.0)))]).expectOk()
    (heard,) = call.caller.heard.spansOf(call.caller.said)
    assert heard.begin == pytest.approx(1.0, abs=0.05)
    assert heard.end == pytest.approx(10.0, abs=0.05)
    assert call.seconds == pytest.approx(10.0, abs=0.05)
