"""The agent's ears: turns in a stream of frames, and the script's phrases in many voices among other sentences."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import soundfile

from voxrun.audio.frame import Samples
from voxrun.audio.resample import Resampler
from voxrun.errors import ConfigurationError
from voxrun.localagent.ears import RATE, Heard, Recogniser, SpeechEnded, SpeechStarted, Turns, spoken
from voxrun.localagent.script import load_script
from voxrun.localagent.voice import Voice

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

Line: TypeAlias = Callable[[Samples], Samples]
"""What the way to the agent does to speech."""

CALLER = Path(__file__).parents[2] / "scenarios" / "audio" / "caller.flac"
PHRASES = load_script().phrases
VOICES = ("en-us", "en-us+f3", "en-us+m3", "en-us+f4", "en-us+m1", "en-us+Annie")
SPEEDS = (140, 165, 190)
OTHERS = (
    "My brother plays the guitar in a band.",
    "The weather is lovely this afternoon.",
    "Could you repeat the number, please?",
    "I have a terrible headache since Monday.",
    "Do you know a good restaurant around here?",
    "We are going to the mountains next week.",
    "What are the rules of this game?",
    "Can I bring my dog with me?",
    "I would like to cancel my order.",
    "Nobody told me about the changes.",
)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def padded(speech: Samples) -> Samples:
    """As `Turns` cuts it: what comes before and after an utterance belongs to it."""
    return np.concatenate([silence(0.25), speech, silence(0.6)])


def hear(recogniser: Recogniser, samples: Samples) -> Heard:
    *_, heard = recogniser.hear(samples)
    assert heard
    return heard


def frames(samples: Samples) -> Iterator[tuple[float, Samples]]:
    """Each whole frame, with the time in seconds at its end."""
    for start in range(0, samples.size - 319, 320):
        yield (start + 320) / RATE, samples[start : start + 320]


def turns_in(samples: Samples) -> list[tuple[float, SpeechStarted | SpeechEnded]]:
    turns = Turns()
    events = [(seconds, turns.feed(frame)) for seconds, frame in frames(samples)]
    return [(seconds, event) for seconds, event in events if event is not None]


@pytest.fixture
def recogniser() -> Recogniser:
    return Recogniser(PHRASES)


def test_a_turn_begins_with_speech_and_ends_after_a_pause() -> None:
    speech = Voice().say("What are your opening hours today?")
    (start, started), (end, ended) = turns_in(np.concatenate([silence(1), speech, silence(1.5)]))
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert 1.1 < start < 1.3
    assert 0.5 < end - 1 - speech.size / RATE < 0.75
    assert started.audio.size == round(0.4 * RATE)
    assert started.audio[-320:].any()


def test_a_pause_between_words_does_not_end_a_turn() -> None:
    words = Voice().say("no thank you")
    events = turns_in(np.concatenate([silence(0.5), words, silence(0.35), words, silence(1)]))
    assert [type(event) for _, event in events] == [SpeechStarted, SpeechEnded]


@pytest.mark.parametrize("milliseconds", [1, 5, 20, 40])
def test_clicks_are_not_speech(milliseconds: int) -> None:
    audio = silence(3)
    generator = np.random.default_rng(0)
    for start in (8000, 20000, 36000):
        length = milliseconds * RATE // 1000
        audio[start : start + length] = generator.integers(-20000, 20000, length)
    assert turns_in(audio) == []


def test_quiet_noise_is_not_speech() -> None:
    noise = np.random.default_rng(0).normal(0, 100, 5 * RATE).astype(np.int16)
    assert turns_in(noise) == []


def test_the_score_rises_with_speech_and_falls_in_silence() -> None:
    turns = Turns()
    assert turns.score == 0
    speech = Voice().say("What are your opening hours today?")
    scores = []
    for _, frame in frames(np.concatenate([speech, silence(1)])):
        turns.feed(frame)
        scores.append(turns.score)
    assert max(scores) == 1
    assert scores[-1] == 0


def test_the_demo_caller_is_understood(recogniser: Recogniser) -> None:
    audio, rate = soundfile.read(CALLER, dtype="int16")
    assert (rate, audio.ndim) == (RATE, 1)
    turns, heard, utterance = Turns(), [], [silence(0)]
    for seconds, frame in frames(audio):
        event = turns.feed(frame)
        if isinstance(event, SpeechStarted):
            utterance = [event.audio]
        elif isinstance(event, SpeechEnded):
            heard.append((round(seconds, 1), hear(recogniser, np.concatenate(utterance)).text))
        elif turns.speaking:
            utterance.append(frame)
    assert heard == [
        (6.5, "What are your opening hours today?"),
        (11.4, "Can I book an appointment for tomorrow morning?"),
        (17.6, "No thank you, goodbye."),
    ]


def test_the_work_comes_in_pieces_of_50_ms(recogniser: Recogniser) -> None:
    *pieces, heard = recogniser.hear(padded(Voice().say("goodbye"))[: RATE + 1])
    assert pieces == [None] * 21
    assert heard


def test_an_utterance_given_up_half_way_leaves_the_ears_free(recogniser: Recogniser) -> None:
    steps = recogniser.hear(padded(Voice().say(PHRASES[0])))
    assert [next(steps), next(steps)] == [None, None]
    steps.close()
    assert hear(recogniser, padded(Voice().say("goodbye"))).text == "Goodbye."


def test_the_same_conversation_is_heard_the_same() -> None:
    utterances = [padded(Voice().say(text)) for text in (PHRASES[0], OTHERS[0], PHRASES[-1])]
    first, second = Recogniser(PHRASES), Recogniser(PHRASES)
    heard = [hear(first, audio) for audio in utterances]
    assert heard == [hear(second, audio) for audio in utterances]
    assert [each.text for each in heard] == [PHRASES[0], None, PHRASES[-1]]


def test_silence_is_nothing(recogniser: Recogniser) -> None:
    assert hear(recogniser, silence(0)) == Heard(None)
    assert hear(recogniser, silence(1)) == Heard(None)
    assert hear(recogniser, silence(0.001)) == Heard(None)


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_phrase(recogniser: Recogniser, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 3000, 2 * RATE).astype(np.int16)
    assert hear(recogniser, noise).text is None


@pytest.mark.parametrize("gain", [0.1, 0.3, 1.2])
def test_loud_and_quiet_callers_are_understood(recogniser: Recogniser, gain: float) -> None:
    speech = padded(Voice().say("Can I book an appointment?")) * gain
    assert hear(recogniser, speech.astype(np.int16)).text == "Can I book an appointment?"


def narrow(speech: Samples) -> Samples:
    """As it comes over a telephone line: nothing above 4 kHz."""
    down, up = Resampler(16000, 8000), Resampler(8000, 16000)
    return np.concatenate([up.process(down.process(frame)) for _, frame in frames(speech)])


def noisy(speech: Samples) -> Samples:
    """In a room with a fan: noise 20 dB below the speech."""
    noise = np.random.default_rng(0).normal(0, 330, speech.size)
    return np.clip(np.rint(speech + noise), -32768, 32767).astype(np.int16)


def clean(speech: Samples) -> Samples:
    return speech


@pytest.mark.slow
@pytest.mark.parametrize(("line", "share"), [(clean, 0.95), (narrow, 0.9), (noisy, 0.85)])
def test_expected_phrases_are_understood_in_every_voice(recogniser: Recogniser, line: Line, share: float) -> None:
    said = [(phrase, Voice(name, speed)) for phrase in PHRASES for name in VOICES for speed in SPEEDS]
    missed = [
        (phrase, heard)
        for phrase, voice in said
        if (heard := hear(recogniser, line(padded(voice.say(phrase))))).text != phrase
    ]
    assert len(missed) <= (1 - share) * len(said), missed


@pytest.mark.slow
@pytest.mark.parametrize("line", [clean, narrow, noisy])
@pytest.mark.parametrize("name", VOICES)
def test_other_sentences_are_rejected(recogniser: Recogniser, name: str, line: Line) -> None:
    voice = Voice(name)
    taken = [text for text in OTHERS if hear(recogniser, line(padded(voice.say(text)))).text is not None]
    assert len(taken) <= 0.2 * len(OTHERS), taken


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("Hello, you!", "hello you"),
        ("I'd like to", "i'd like to"),
        ("don\u2019t", "don't"),
        ("  ", ""),
        ("9 a.m.", "9 a m"),
    ],
)
def test_words_of_a_phrase(phrase: str, words: str) -> None:
    assert spoken(phrase) == words


@pytest.mark.parametrize(("phrase", "word"), [("Room 7, please", "7"), ("the Café is closed", "café"), ("β", "β")])
def test_nothing_of_a_phrase_is_lost_unsaid(phrase: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=f"can't recognise '{word}': not in its English dictionary"):
        Recogniser([phrase])


def test_a_word_that_the_dictionary_lacks() -> None:
    with pytest.raises(ConfigurationError, match="can't recognise 'qwxyzzy': not in its English dictionary"):
        Recogniser(["please qwxyzzy me"])


def test_nothing_to_recognise() -> None:
    with pytest.raises(ConfigurationError, match="nothing to recognise"):
        Recogniser(["!", ""])


@pytest.mark.parametrize(("library", "make"), [("webrtcvad", Turns), ("pocketsphinx", lambda: Recogniser(["hello"]))])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, library: str, make: type[Turns]) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'voxrun\[local-agent\]'"):
        make()
