"""What a test in a `.vox` file says and can't be: it is told at the sentence that says it."""

from pathlib import Path

import pytest
from tests.testing.recording import record
from tests.testing.scenarios import BRIDGE, write
from tests.testing.test_vox_tests import AGENT, written

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.testing import at, hangUp, simulate
from voxrun.testing.expectations import judge
from voxrun.testing.vox_tests import vox_tests

MISTAKES = [
    ('caller says "Hello?" lasting 2000s at 1s', "seconds= takes a number of seconds, 0 to 1800, but was given 2000"),
    ("caller has { rate: 44100 }", "rate= takes a rate in Hz of"),
    ('caller has { callerid: "Ada", customData: 5 }', "customData= takes a text, but was given 5"),
    ('caller has { rtp: "speex" }', "no codec is called 'speex'"),
    ('caller says "bad.wav" at 1s', "is no audio file"),
    ('agent says "bad.wav" when CallEvents.Connected', "is no audio file"),
    ('agent has { inputFormat: "pcm_9000" }', "inputFormat= takes one of pcm_8000"),
    ("agent refuses with 7", "refuse= takes a status of HTTP"),
    ("agent closes with 1006 at 1s", "code= takes a WebSocket closing code"),
    ('agent plays cassette "bad.wav"', "bad.wav, line 1: is no cassette"),
    ('caller presses "1" when scenario sends "nothing"', "no message to the agent is named 'nothing'"),
    ("network has { loss: 10 }", "loss= takes a share, from 0 to 1, but was given 10"),
    ("speech has { latency: -1 }", "latency= takes a number of seconds, 0 or more, but was given -1"),
    ("control has { customData: 5 }", "customData= takes a text, but was given 5"),
    ('web answers "https://api.elevenlabs.io/x" with 404', "web can't answer for api.elevenlabs.io"),
    ('web answers "https://crm.example/a" with 409 "taken"', "web has two answers at 'https://crm.example/a'"),
    ('web answers "https://crm.example:443/a" with 404', "web has two answers at 'https://crm.example:443/a'"),
]


@pytest.mark.parametrize(("sentence", "told"), MISTAKES)
def test_it_is_told_where_it_is_said(tmp_path: Path, sentence: str, told: str) -> None:
    (tmp_path / "bad.wav").write_text("nonsense")
    before = 'web answers "https://crm.example/a" with 200'
    test = written(tmp_path, AGENT, before, 'caller says "Hello?" at 0s', sentence, "caller hangs up at 2s")
    with pytest.raises(ConfigurationError) as found:
        simulate(test.scenario, **test.parameters(tmp_path))
    span, why = test.blame(found.value)
    assert told in why
    assert test.source.text[span.start : span.end] == sentence


@pytest.mark.parametrize(
    ("first", "sentence", "told"),
    [
        ("nobody calls", 'caller says "Hello?"', "nobody calls, so no caller does anything"),
        ("nobody calls", 'caller plays cassette "a"', "nobody calls, so no caller does anything"),
        ('caller has { callerid: "Ada" }', "nobody calls", "nobody calls, so no caller does anything"),
        ('caller plays cassette "a"', "caller hangs up", "the caller does what is on the cassette, and nothing else"),
        ('agent plays cassette "a"', 'agent says "Hello."', "the agent does what is on the cassette, and nothing else"),
        ("agent has { latency: 1s }", 'agent plays cassette "a"', "the agent does what is on the cassette"),
    ],
)
def test_what_would_never_be_done_is_told(tmp_path: Path, first: str, sentence: str, told: str) -> None:
    record(tmp_path / "a", write(tmp_path, BRIDGE), caller=[at(1.0, hangUp())])
    test = written(tmp_path, AGENT, first, sentence)
    with pytest.raises(ConfigurationError) as found:
        test.parameters(tmp_path)
    span, why = test.blame(found.value)
    assert why.startswith(told)
    assert test.source.text[span.start : span.end] == sentence


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ('expect agent receives "nothing"', "no message to the agent is named 'nothing'"),
        ('expect log "x" within 1s after scenario sends "nothing"', "no message to the agent is named 'nothing'"),
        ('expect caller hears "bad.wav"', "is no audio file"),
        ('expect caller hears exactly "bad.wav"', "bad.wav can't be read"),
    ],
)
def test_so_is_what_cannot_be_expected(tmp_path: Path, sentence: str, told: str) -> None:
    (tmp_path / "bad.wav").write_text("nonsense")
    test = written(tmp_path, AGENT, "caller hangs up at 2s", sentence)
    (mistake,) = judge(test, simulate(test.scenario, **test.parameters(tmp_path)))
    assert told in mistake.why
    assert test.source.text[mistake.span.start : mistake.span.end] == sentence


def test_what_no_sentence_is_to_blame_for_is_told_at_the_name(tmp_path: Path) -> None:
    test = written(tmp_path, AGENT, "caller hangs up at 2s")
    span, why = test.blame(ConfigurationError("no espeak here"))
    assert (test.source.text[span.start : span.end], why) == ('"it"', "no espeak here")


def test_what_is_no_text_is_told_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.vox"
    path.write_bytes('// fine\nlog "ü"\n'.encode("latin-1"))
    with pytest.raises(ScenarioError, match=r"latin\.vox:2:6: error: this is no text in UTF-8\n"):
        vox_tests(path)
