"""The local agent's text-to-speech as its clients find it: what it says when, what it refuses, how it ends."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit import inline

from voxrun.audio.frame import Samples
from voxrun.audio.g711 import decode_ulaw
from voxrun.localagent.delivery import voice_name
from voxrun.localagent.speech_server import PAUSE_SECONDS, SPEED_UP, evenly_aligned, serve_speech
from voxrun.localagent.speech_settings import OUTPUT_FORMATS
from voxrun.localagent.voice import RATE, WORDS_PER_MINUTE, Voice
from voxrun.localagent.waiting_text import LIMIT
from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.protocol.elevenlabs.tts_client import (
    ErrorReceived,
    FinalReceived,
    SpeechReceived,
    TTSClientProtocol,
    TTSEvent,
)
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

pytest.importorskip("espeakng_loader", reason="needs the local-agent extra")

HELLO = "Hello there. "
HEADERS = (("xi-api-key", "any"),)


@dataclass
class Client:
    """One connection: what came, and when."""

    socket: WebSocket
    protocol: TTSClientProtocol
    received: list[tuple[float, TTSEvent]] = field(default_factory=list)
    closed: Closed | None = None
    closed_at: float = 0.0

    def send(self, text: str, **options: bool) -> None:
        """Send a text."""
        self.socket.send(self.protocol.send_text({"text": text, **options}))

    @property
    def speech(self) -> list[SpeechReceived]:
        """All pieces of it."""
        return [event for _, event in self.received if isinstance(event, SpeechReceived)]

    @property
    def said(self) -> str:
        """The characters of all alignments."""
        return "".join(char for piece in self.speech if piece.alignment for char in piece.alignment.chars)

    @property
    def samples(self) -> Samples:
        """All audio, as int16 at its own rate."""
        return np.concatenate([np.frombuffer(piece.audio, "<i2") for piece in self.speech])

    async def listen(self) -> None:
        """Task: keep what comes, until the end."""
        self.closed = await self.socket.pump(self._receive)
        self.closed_at = trio.current_time()

    def _receive(self, text: str | bytes) -> None:
        self.received += [(trio.current_time(), event) for event in self.protocol.receive(text)]


Act = Callable[[Client], Awaitable[None]]


async def connect(
    act: Act,
    query: dict[str, str] | None = None,
    *,
    voice_id: str = "v",
    headers: tuple[tuple[str, str], ...] = HEADERS,
    initialization: dict[str, object] | None = None,
    api_keys: frozenset[str] = frozenset(),
) -> Client:
    """Talk to the voice in this trio run, until the connection has ended; it then has no task left."""
    network = MemoryNetwork()

    async def handle(request: Request) -> Reply | Upgrade:
        return Upgrade(partial(serve_speech, api_keys, inline, request))

    async with trio.open_nursery() as serving:
        await serving.start(serve, network, "voice.test", 80, handle)
        tasks = trio.lowlevel.current_statistics().tasks_living
        asked = {"output_format": "pcm_16000", "sync_alignment": "true", **(query or {})}
        url = f"ws://voice.test/v1/text-to-speech/{voice_id}/stream-input?{urlencode(asked)}"
        async with open_websocket(network, url, headers=headers) as socket, trio.open_nursery() as nursery:
            client = Client(socket, TTSClientProtocol(FORMATS.get(asked["output_format"], FORMATS["ulaw_8000"])))
            nursery.start_soon(client.listen)
            socket.send(client.protocol.initialize(initialization))
            await act(client)
        await trio.testing.wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        serving.cancel_scope.cancel()
    return client


def talk(act: Act, query: dict[str, str] | None = None, **options: Any) -> Client:
    """`connect` in virtual time."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(partial(connect, act, query, **options), clock=clock)


def saying(*texts: str, **options: bool) -> Act:
    """Send these, and that there is no more."""

    async def act(client: Client) -> None:
        for text in texts:
            client.send(text, **options)
        client.send("")

    return act


async def nothing(client: Client) -> None:
    """Send no text."""


def spoken(sentence: str, voice_id: str = "v", speed: float = 1.0) -> Samples:
    """That sentence as the server's voice says it."""
    client = talk(saying(sentence), voice_id=voice_id, initialization={"voice_settings": {"speed": speed}})
    return client.samples


# What is said.


def test_a_text_is_said_whole_and_then_the_socket_is_closed() -> None:
    client = talk(saying("Hello ", "there. ", "How are you"))
    voice = Voice(voice_name("en", "v"), WORDS_PER_MINUTE)
    pause = np.zeros(round(PAUSE_SECONDS * RATE), np.int16)
    assert np.array_equal(client.samples, np.concatenate([voice.say(HELLO), pause, voice.say("How are you")]))
    assert client.said == "Hello there. How are you"
    assert isinstance(client.received[-1][1], FinalReceived)
    assert client.closed == Closed(1000, "", True)


def test_it_comes_in_chunks_faster_than_real_time() -> None:
    client = talk(saying("This is a sentence of some length, which takes a while to say. " * 3))
    seconds = len(client.samples) / RATE
    assert seconds > 8
    assert max(len(piece.audio) for piece in client.speech) == 2 * RATE // 4
    assert client.received[0][0] < 0.01
    assert client.received[-1][0] == pytest.approx(seconds / SPEED_UP, rel=0.1)


@pytest.mark.parametrize("output", OUTPUT_FORMATS)
def test_every_format_says_the_same(output: str) -> None:
    client = talk(saying(HELLO), {"output_format": output})
    audio = b"".join(piece.audio for piece in client.speech)
    samples = decode_ulaw(audio) if output == "ulaw_8000" else np.frombuffer(audio, "<i2")
    rate = FORMATS[output].rate
    reference = spoken(HELLO)
    assert len(samples) / rate == len(reference) / RATE
    low = [np.abs(np.fft.rfft(side.astype(float)))[:1500] / len(side) for side in (samples, reference)]
    assert np.corrcoef(low[0], low[1])[0, 1] > 0.99


def test_a_text_without_words_has_an_end_too() -> None:
    client = talk(saying(" ", "\n \n"))
    assert [event for _, event in client.received] == [FinalReceived()]
    assert talk(saying("... ")).said == "... "


def test_a_voice_id_always_means_the_same_voice() -> None:
    assert np.array_equal(spoken(HELLO, "someone"), spoken(HELLO, "someone"))
    voices = {spoken(HELLO, f"voice {number}").tobytes() for number in range(30)}
    assert len(voices) > 6


def test_the_speed_counts() -> None:
    slow, normal, fast = (len(spoken("This is a rather long sentence.", speed=speed)) for speed in (0.7, 1.0, 1.2))
    assert slow > 1.2 * normal
    assert normal > 1.1 * fast


# When it is said.


@pytest.mark.parametrize(
    ("query", "initialization", "options", "said"),
    [
        ({}, {}, {}, ""),
        ({}, {}, {"flush": True}, "Hello there. I am fine, and so are you, as far as I can see"),
        ({}, {}, {"try_trigger_generation": True}, "Hello there. "),
        ({"auto_mode": "true"}, {}, {}, "Hello there. I am fine, and so are you, as far as I can "),
        ({}, {"generation_config": {"chunk_length_schedule": [50]}}, {}, "Hello there. "),
        ({}, {"generation_config": {"chunk_length_schedule": []}}, {}, ""),
        ({}, {"generation_config": None, "voice_settings": None}, {}, ""),
        ({}, {"voice_settings": {"speed": None}}, {}, ""),
    ],
)
def test_when_there_is_enough_of_it(
    query: dict[str, str], initialization: dict[str, object], options: dict[str, bool], said: str
) -> None:
    before_the_end: list[str] = []

    async def act(client: Client) -> None:
        client.send("Hello there. I am fine, and so are you, as far as I can see", **options)
        await trio.sleep(5)
        before_the_end.append(client.said)
        client.send("")

    client = talk(act, query, initialization=initialization)
    assert before_the_end == [said]
    assert client.said == "Hello there. I am fine, and so are you, as far as I can see"


def test_the_default_schedule_begins_with_120_characters() -> None:
    said: list[str] = []

    async def act(client: Client) -> None:
        for _ in range(12):
            client.send("ten chars ")
            await trio.sleep(1)
            said.append(client.said)

        client.send("")

    talk(act)
    assert said == [""] * 11 + ["ten chars " * 12]


def test_a_space_says_nothing_and_breaks_no_word() -> None:
    client = talk(saying("Good", " ", "bye."))
    assert client.said == "Goodbye."


def test_a_space_can_flush() -> None:
    said: list[str] = []

    async def act(client: Client) -> None:
        client.send("Hello")
        client.send(" ", flush=True)
        await trio.sleep(1)
        said.append(client.said)
        client.send("")

    talk(act)
    assert said == ["Hello "]


# Alignment.


def test_the_alignment_covers_each_chunk() -> None:
    client = talk(saying("One sentence here. And another one, a bit longer. "))
    for piece in client.speech:
        assert piece.alignment == piece.normalized
        if piece.alignment is None:
            continue
        times, durations = piece.alignment.start_times, piece.alignment.durations
        assert times[0] >= 0
        assert times[-1] < len(piece.audio) / 2 * 1000 / RATE
        assert [later - earlier for earlier, later in pairwise(times)] == durations[:-1]


def test_without_being_asked_there_is_none() -> None:
    client = talk(saying(HELLO), {"sync_alignment": "false"})
    assert client.speech
    assert all(piece.alignment is None and piece.normalized is None for piece in client.speech)


@given(st.text(min_size=1, max_size=60), st.integers(1, 40_000), st.integers(1, 12_000))
def test_each_character_is_in_one_chunk(text: str, samples: int, size: int) -> None:
    chunks = [(start, min(start + size, samples)) for start in range(0, samples, size)]
    alignments = [(start, evenly_aligned(text, samples, 8000, start, end)) for start, end in chunks]
    there = [(start, alignment) for start, alignment in alignments if alignment is not None]
    assert "".join("".join(alignment.chars) for _, alignment in there) == text
    onsets = [start / 8 + onset for start, alignment in there for onset in alignment.start_times]
    wanted = [number * samples / len(text) / 8 for number in range(len(text))]
    assert onsets == pytest.approx(wanted, abs=0.51)
    assert all(duration >= 0 for _, alignment in there for duration in alignment.durations)


# Refusals.


def refusal(client: Client) -> ErrorReceived:
    """The error that ended the connection, and nothing else came."""
    ((_, error),) = client.received
    assert isinstance(error, ErrorReceived)
    assert error.code == 1008
    assert client.closed == Closed(1008, error.message[:123], True)
    return error


@pytest.mark.parametrize(
    ("query", "initialization", "error", "message"),
    [
        ({"output_format": "mp3_44100_128"}, {}, "output_format_not_supported", "no output_format 'mp3_44100_128'; it"),
        (
            {"output_format": "pcm_48000"},
            {},
            "output_format_not_supported",
            "no output_format 'pcm_48000'; it has",
        ),
        ({"output_format": "ä" * 90}, {}, "output_format_not_supported", "no output_format '\\xe4"),
        ({"inactivity_timeout": "soon"}, {}, "invalid_inactivity_timeout", "at most 180 seconds, not 'soon'"),
        ({"inactivity_timeout": "0"}, {}, "invalid_inactivity_timeout", "at most 180 seconds, not '0'"),
        ({"inactivity_timeout": "181"}, {}, "invalid_inactivity_timeout", "at most 180 seconds, not '181'"),
        ({"inactivity_timeout": "nan"}, {}, "invalid_inactivity_timeout", "at most 180 seconds, not 'nan'"),
        ({}, {"voice_settings": {"speed": 2}}, "invalid_voice_settings", "the speed must be 0.7 to 1.2, not 2"),
        ({}, {"voice_settings": {"speed": -1}}, "invalid_voice_settings", "the speed must be 0.7 to 1.2, not -1"),
        ({}, {"voice_settings": 7}, "invalid_message", "Expected `object | null`, got `int`"),
    ],
)
def test_what_it_can_not_do_is_refused(
    query: dict[str, str], initialization: dict[str, object], error: str, message: str
) -> None:
    refused = refusal(talk(nothing, query, initialization=initialization))
    assert refused.error == error
    assert message in refused.message


def test_the_format_that_the_service_has_by_default_is_refused() -> None:
    refused = refusal(talk(nothing, {"output_format": ""}))  # a blank one counts as none
    assert (
        refused.message == f"the local voice has no output_format 'mp3_44100_128'; it has {', '.join(OUTPUT_FORMATS)}"
    )


def test_no_key_no_speech() -> None:
    refused = refusal(talk(nothing, headers=(("xi-api-key", ""),)))
    assert (refused.error, refused.message) == (
        "authentication_required",
        "a key is required, in the header xi-api-key for example",
    )


@pytest.mark.parametrize(
    ("headers", "initialization", "query"),
    [
        ((("xi-api-key", "k"),), {}, {}),
        ((("Authorization", "Bearer k"),), {}, {}),
        ((), {"xi-api-key": "k"}, {}),
        ((), {"authorization": "Bearer k"}, {}),
        ((), {}, {"single_use_token": "k"}),
        ((), {}, {"authorization": "k"}),
    ],
)
def test_the_key_may_be_in_several_places(
    headers: tuple[tuple[str, str], ...], initialization: dict[str, object], query: dict[str, str]
) -> None:
    for api_keys in (frozenset[str](), frozenset({"other", "k"})):
        client = talk(saying(HELLO), query, headers=headers, initialization=initialization, api_keys=api_keys)
        assert client.said == HELLO


def test_another_key_than_those_of_the_script_is_refused() -> None:
    refused = refusal(talk(nothing, api_keys=frozenset({"other", "k"})))
    assert (refused.error, refused.message) == ("invalid_api_key", "this key is not valid")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("Hello", "JSON is malformed"),
        ('{"text": 5}', "Expected `str`, got `int`"),
        ('{"text": "\\ud800"}', ""),
        ('{"flush": true}', "Object missing required field `text`"),
    ],
)
def test_what_is_not_the_protocol_ends_the_connection(frame: str, message: str) -> None:
    async def act(client: Client) -> None:
        client.socket.send(frame)

    refused = refusal(talk(act))
    assert refused.error == "invalid_message"
    assert refused.message.startswith(message)


def test_too_much_text_is_refused() -> None:
    async def act(client: Client) -> None:
        client.send("x" * (LIMIT + 1))

    assert refusal(talk(act)).error == "max_character_limit_exceeded"


def test_a_refusal_ends_what_is_being_said() -> None:
    async def act(client: Client) -> None:
        client.send("This is a sentence of some length, which takes a while to say. " * 10, flush=True)
        await trio.sleep(0.5)
        client.socket.send("nonsense")

    client = talk(act)
    assert client.closed is not None
    assert client.closed.code == 1008
    assert client.closed_at == pytest.approx(0.5, abs=0.01)
    assert 10 < len(client.speech) < 30


# Time.


@pytest.mark.parametrize(("query", "seconds"), [({}, 20), ({"inactivity_timeout": "4"}, 4)])
def test_who_says_nothing_for_too_long_is_given_up(query: dict[str, str], seconds: float) -> None:
    async def act(client: Client) -> None:
        client.send("Hello")
        await trio.sleep(3)
        client.send(" ")

    client = talk(act, query)
    error = refusal(client)
    assert error.error == "input_timeout_exceeded"
    assert error.message.startswith(f"Have not received a new text input within the timeout of {seconds} seconds")
    assert client.closed_at == pytest.approx(3 + seconds)


def test_a_space_keeps_it_alive() -> None:
    async def act(client: Client) -> None:
        for _ in range(10):
            await trio.sleep(19)
            client.send(" ")
        client.send(HELLO)
        client.send("")

    client = talk(act)
    assert client.closed == Closed(1000, "", True)
    assert client.said == HELLO


def test_after_the_last_text_it_may_take_as_long_as_it_does() -> None:
    client = talk(saying("This is a sentence. " * 60), {"inactivity_timeout": "1"})
    assert client.closed == Closed(1000, "", True)
    assert client.closed_at > 5


def test_a_client_that_leaves_leaves_nothing_behind() -> None:
    async def act(client: Client) -> None:
        client.send("This is a sentence. " * 60, flush=True)
        await trio.sleep(0.5)
        client.socket.close(1001)

    client = talk(act)
    assert client.closed_at == pytest.approx(0.5, abs=0.01)


# Nonsense.

TEXTS = st.fixed_dictionaries(
    {"text": st.sampled_from(["", " ", "Hi. ", "a", "1\0\u00e9", "word " * 12])},
    optional={"flush": st.booleans(), "try_trigger_generation": st.none() | st.booleans(), "x": st.integers()},
)
FRAMES = st.lists(st.one_of(TEXTS.map(json.dumps), st.text(max_size=20), st.binary(max_size=9)))


@settings(max_examples=100)
@given(FRAMES)
def test_whatever_comes_it_ends_well(frames: list[str | bytes]) -> None:
    async def act(client: Client) -> None:
        for frame in frames:
            client.socket.send(frame)

    client = talk(act)
    assert client.closed is not None
    assert client.closed.code in (1000, 1008)
