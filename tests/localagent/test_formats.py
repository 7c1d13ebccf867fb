"""All audio formats of the service in both directions, with the agent's real ears and voice."""

from pathlib import Path

import numpy as np
import pytest
import trio
from tests.localagent.caller import BOOK, Caller, converse, spoken_by_caller

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.audio.resample import Resampler
from voxrun.localagent.delivery import Delivery
from voxrun.localagent.script import DEFAULT_SCRIPT, load_script
from voxrun.localagent.voice import RATE, Voice
from voxrun.protocol.elevenlabs.agents_client import Initiated
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

EACH_FORMAT = pytest.mark.parametrize("audio_format", FORMATS.values(), ids=FORMATS)


def resampled(samples: Samples, source: int, target: int) -> Samples:
    resampler = Resampler(source, target)
    size = frame_size(source)
    padded = np.pad(samples, (0, -len(samples) % size))
    return np.concatenate([resampler.process(frame) for frame in padded.reshape(-1, size)])


def encoded(samples: Samples, audio_format: AudioFormat) -> bytes:
    """16 kHz samples as a client sends them."""
    wire = resampled(samples, RATE, audio_format.rate)
    return encode_ulaw(wire) if audio_format.encoding == "ulaw" else wire.astype("<i2").tobytes()


def decoded(audio: bytes, audio_format: AudioFormat) -> Samples:
    """What a client makes of the agent's audio, at 16 kHz."""
    wire = decode_ulaw(audio) if audio_format.encoding == "ulaw" else np.frombuffer(audio, "<i2")
    return resampled(wire, audio_format.rate, RATE)


def adapted(folder: Path, **formats: str) -> Path:
    """The receptionist with other formats."""
    text = DEFAULT_SCRIPT.read_text(encoding="utf-8")
    for key, name in formats.items():
        assert f'{key} = "pcm_16000"' in text
        text = text.replace(f'{key} = "pcm_16000"', f'{key} = "{name}"')
    path = folder / "script.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loudness(samples: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """RMS of each 20 ms."""
    whole = samples[: len(samples) // 320 * 320].reshape(-1, 320).astype(np.float64)
    return np.asarray(np.sqrt(np.square(whole).mean(axis=1)))


@EACH_FORMAT
def test_what_it_says(tmp_path: Path, audio_format: AudioFormat) -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        await trio.sleep(4)

    caller = converse(main, adapted(tmp_path, output_format=audio_format.name))
    initiated = caller.received[0][1]
    assert isinstance(initiated, Initiated)
    assert (initiated.output_format, initiated.input_format.name) == (audio_format, "pcm_16000")
    chunks = [event.audio for _, event in caller.received if hasattr(event, "audio")]
    assert len({len(chunk) for chunk in chunks[:-1]}) == 1
    width = 1 if audio_format.encoding == "ulaw" else 2
    assert len(chunks[0]) / width / audio_format.rate == pytest.approx(0.25, abs=1e-4)
    speech = Voice().say(load_script().greeting)
    audio = b"".join(chunks)
    assert len(audio) / width / audio_format.rate == speech.size / RATE
    said, wanted = loudness(decoded(audio, audio_format)), loudness(speech)
    assert np.corrcoef(said, wanted)[0, 1] > 0.97


@EACH_FORMAT
def test_what_it_hears(tmp_path: Path, audio_format: AudioFormat) -> None:
    speech = np.concatenate([np.zeros(RATE // 2, np.int16), spoken_by_caller(BOOK), np.zeros(RATE, np.int16)])
    audio = encoded(speech, audio_format)
    step = len(audio) // 50 - 1

    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        await trio.sleep(4)
        for start in range(0, len(audio), step):
            caller.send(caller.protocol.audio(audio[start : start + step]))
            await trio.sleep(step / len(audio) * len(speech) / RATE)
        await caller.until("agent_response", 2)

    caller = converse(main, adapted(tmp_path, input_format=audio_format.name), talks=False)
    assert caller.transcripts == [BOOK]
    assert caller.of_type("interruption") == []


def test_both_ways_may_differ(tmp_path: Path) -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")

    script = adapted(tmp_path, input_format="ulaw_8000", output_format="pcm_44100")
    initiated = converse(main, script, talks=False).received[0][1]
    assert isinstance(initiated, Initiated)
    assert (initiated.output_format.name, initiated.input_format.name) == ("pcm_44100", "ulaw_8000")


@EACH_FORMAT
def test_a_second_is_a_second(audio_format: AudioFormat) -> None:
    delivery = Delivery("en-us", 1.0, audio_format)
    assert delivery.size(1.0) == delivery.bytes_per_second


def test_speed_changes_how_long_it_takes() -> None:
    def seconds(speed: float) -> float:
        delivery = Delivery("en-us", speed, FORMATS["ulaw_8000"])
        return len(delivery.speak("The quick brown fox jumps over the lazy dog.")) / delivery.bytes_per_second

    lengths = [seconds(speed) for speed in (0.7, 1.0, 1.5, 5.0)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 1.2 * lengths[1] > 1.5 * lengths[2]
