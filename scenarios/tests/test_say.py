"""What `say.py` does."""

from voxrun.testing import Simulate, SpeechService

SENTENCE = "Hello! Our office is closed today. Please call again tomorrow, between nine and five."


def test_the_sentence_is_said_then_the_call_ends(simulate: Simulate) -> None:
    call = simulate("../say.py", speech=SpeechService(secondsPerCharacter=0.05)).expectOk()
    assert "".join(call.spoken).strip() == SENTENCE
    (heard,) = call.caller.heard.audible()
    assert 3.5 < heard.seconds < 5.0
    assert call.seconds < heard.end + 0.5
