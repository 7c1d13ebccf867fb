"""The agent's voice: clean, level, repeatable speech."""

import ctypes
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from voxrun.audio.frame import Samples
from voxrun.audio.level import dbfs
from voxrun.errors import ConfigurationError
from voxrun.localagent.voice import RATE, Voice

pytest.importorskip("espeakng_loader", reason="needs the local-agent extra")

GREETING = "Hello, this is Riverside Dental. How can I help you?"
VOICES = ("en-us", "en-us+f3", "en-us+m3")


@pytest.mark.parametrize("name", VOICES)
def test_speech_is_whole_frames_at_a_sane_level(name: str) -> None:
    speech = Voice(name).say(GREETING)
    assert speech.dtype == np.int16
    assert speech.size % 320 == 0
    assert 2.5 * RATE < speech.size < 4.5 * RATE
    assert -23 < dbfs(speech) < -18
    assert np.abs(speech.astype(int)).max() < 32000


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize("text", [GREETING, "nine to five", "Ah"])
def test_speech_begins_and_ends_without_a_click(name: str, text: str) -> None:
    speech = np.abs(Voice(name).say(text).astype(int))
    assert speech[:16].max() < 600
    assert speech[-16:].max() < 100


@pytest.mark.parametrize("name", VOICES)
def test_speech_is_the_same_whatever_was_said_before(name: str) -> None:
    first = Voice(name).say(GREETING)
    Voice("en-us+f2", 190).say("Something else entirely.")
    assert np.array_equal(Voice(name).say(GREETING), first)


def test_voices_in_threads_do_not_mix() -> None:
    alone = [Voice(name).say(GREETING) for name in VOICES]

    def say(name: str) -> Samples:
        return Voice(name).say(GREETING)

    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(say, VOICES * 4))
    assert all(np.array_equal(speech, alone[number % 3]) for number, speech in enumerate(together))


def test_the_rate_counts() -> None:
    assert Voice(rate_wpm=140).say(GREETING).size > 1.2 * Voice(rate_wpm=190).say(GREETING).size


@pytest.mark.parametrize("text", ["", "\0", "   "])
def test_nothing_to_say_is_silence(text: str) -> None:
    speech = Voice().say(text)
    assert speech.size >= 320
    assert not speech.any()


def test_an_unknown_voice() -> None:
    with pytest.raises(ConfigurationError, match="no voice 'en-mars': try 'en-us'"):
        Voice("en-mars").say("Hello")


@pytest.mark.parametrize(
    "name", ["gmw", "GMW", ".", "../phontab", "!v/f3", "en-us+../!v/f3", f"en-us+{'x' * 60}", "en\0", "\ud800"]
)
def test_a_name_that_would_end_the_process_is_an_unknown_voice(name: str) -> None:
    with pytest.raises(ConfigurationError, match="espeak-ng has no voice"):
        Voice(name).say("Hello")


@pytest.mark.parametrize("name", ["gmw/en-US", "EN-us+Mr serious", "English (America)", "en-us+", "en-us+none"])
def test_each_of_a_voices_names_is_known(name: str) -> None:
    assert Voice(name).say("Hello").any()


class _Heap(ctypes.Structure):
    """`struct mallinfo2` of glibc, of whose ten fields the eighth is the bytes in use."""

    _fields_ = (("fields", ctypes.c_size_t * 10),)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc tells what is in use")
@pytest.mark.parametrize("name", ["en-us+f3", "en-mars"])
def test_nothing_is_left_of_what_was_said(name: str) -> None:
    """But for the list of voices, 2 KB, which the library itself forgets."""

    def in_use() -> int:
        gc.collect()
        return int(heap().fields[7])

    def say(times: int) -> None:
        for _ in range(times):
            with suppress(ConfigurationError):
                Voice(name).say("Hello")

    heap = ctypes.CDLL(None).mallinfo2
    heap.restype = _Heap
    say(50)
    before = in_use()
    say(100)
    assert in_use() - before < 100 * 3000


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'voxrun\[local-agent\]'"):
        Voice().say("Hello")
