"""A scenario's end of VoxEngine's media over a WebSocket: the bytes we send, and whatever a peer may send."""

import json
import sys
from base64 import b64encode
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.frame import frame_size, silence
from voxrun.errors import ConfigurationError, LocalProtocolError
from voxrun.events.call import CallEvents
from voxrun.protocol.voxengine_media import (
    MOST_STREAMS,
    AudioCame,
    OutgoingStream,
    PeerMedia,
    StreamStarted,
    StreamStopped,
    TextCame,
    WebSocketAudioEncoding,
)

ENCODINGS = {"PCM8": 8000, "PCM16": 16_000, "ULAW": 8000, "ALAW": 8000, "OPUS": 48_000}
SIZES = {"PCM8": 320, "PCM16": 640, "ULAW": 160, "ALAW": 160}


def start(encoding: str = "PCM16", **more: object) -> str:
    return json.dumps({"event": "start", "start": {"mediaFormat": {"encoding": encoding}, **more}})


def media(audio: bytes = b"\1\0", **more: object) -> str:
    return json.dumps({"event": "media", "media": {"payload": b64encode(audio).decode(), **more}})


def stop(**more: object) -> str:
    return json.dumps({"event": "stop", "stop": more})


def test_the_messages_of_a_stream() -> None:
    stream = OutgoingStream(WebSocketAudioEncoding.ULAW, 'the "caller"', {"order": 17, "name": "Ada"})
    payload = "/" * 213 + "w=="
    assert stream.start() == (
        r'{"event":"start","sequenceNumber":0,"start":{"tag":"the \"caller\"",'
        r'"mediaFormat":{"encoding":"ULAW","sampleRate":8000},'
        r'"customParameters":"{\"order\":17,\"name\":\"Ada\"}"}}'
    )
    assert [stream.media(silence(8000)) for _ in range(2)] == [
        r'{"event":"media","sequenceNumber":1,"media":{"tag":"the \"caller\"","chunk":0,"timestamp":0,'
        rf'"payload":"{payload}"}}}}',
        r'{"event":"media","sequenceNumber":2,"media":{"tag":"the \"caller\"","chunk":1,"timestamp":160,'
        rf'"payload":"{payload}"}}}}',
    ]
    assert stream.stop() == (
        r'{"event":"stop","sequenceNumber":3,"stop":{"tag":"the \"caller\"",'
        r'"mediaInfo":{"bytesSent":320,"duration":40}}}'
    )


def test_a_stream_in_opus_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'voxrun\[opus\]'"):
        OutgoingStream(WebSocketAudioEncoding.OPUS, "", None)


def test_the_name_of_an_event_is_a_text_among_the_parameters() -> None:
    stream = OutgoingStream(WebSocketAudioEncoding.PCM8, "", {"since": CallEvents.Connected})
    assert json.loads(json.loads(stream.start())["start"]["customParameters"]) == {"since": "Call.Connected"}


def test_parameters_that_json_has_no_words_for_are_told() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    for wrong in ({"a": object()}, {"a": "\ud800"}, endless):
        with pytest.raises(LocalProtocolError, match="customParameters can't be sent as JSON"):
            OutgoingStream(WebSocketAudioEncoding.PCM8, "", wrong)


def test_what_is_not_given_is_not_said() -> None:
    stream = OutgoingStream(WebSocketAudioEncoding.PCM8, "", None)
    assert stream.start() == (
        '{"event":"start","sequenceNumber":0,"start":{"mediaFormat":{"encoding":"PCM8","sampleRate":8000}}}'
    )
    assert stream.media(np.array([1, -2] * 80, np.int16)).startswith(
        '{"event":"media","sequenceNumber":1,"media":{"chunk":0,"timestamp":0,"payload":"AQD+/wEA/v8'
    )
    assert stream.stop() == '{"event":"stop","sequenceNumber":2,"stop":{"mediaInfo":{"bytesSent":320,"duration":20}}}'


@pytest.mark.parametrize(("encoding", "rate"), ENCODINGS.items())
def test_each_encoding_is_understood_by_its_other_end(encoding: str, rate: int) -> None:
    stream, peer = OutgoingStream(WebSocketAudioEncoding(encoding), "a", {"b": "c"}), PeerMedia()
    assert peer.receive(stream.start()) == StreamStarted("a", encoding, rate, {"b": "c"})
    sound = (8000 * np.sin(np.arange(frame_size(rate) * 5) * 440 * 2 * np.pi / rate)).astype(np.int16)
    came = [peer.receive(stream.media(frame)) for frame in np.split(sound, 5)]
    samples = np.concatenate([news.samples for news in came if isinstance(news, AudioCame) and news.tag == "a"])
    assert len(samples) == len(sound)
    assert np.abs(samples[-400:]).max() > 6000
    assert peer.receive(stream.stop()) == StreamStopped("a")
    assert peer.malformed == 0


def test_the_two_names_of_a_linear_encoding_are_one() -> None:
    assert WebSocketAudioEncoding.PCM16_8KHZ.value == "PCM8"
    assert WebSocketAudioEncoding.PCM16_16KHZ.value == "PCM16"


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        (None, {}),
        ({"a": 1, "b": "x"}, {"a": "1", "b": "x"}),
        ('{"a": true, "b": null, "c": {"d": [1.5]}}', {"a": "true", "b": "null", "c": '{"d":[1.5]}'}),
        ("no JSON", {"customData": "no JSON"}),
    ],
)
def test_custom_parameters_are_an_object_or_the_json_of_one(given: object, parameters: Mapping[str, str]) -> None:
    assert PeerMedia().receive(start(customParameters=given)) == StreamStarted("", "PCM16", 16_000, parameters)


@pytest.mark.parametrize(("rate", "found"), [(None, 16_000), (8000, 8000), (48_000, 48_000)])
def test_the_rate_is_what_the_start_says_or_what_its_encoding_has(rate: int | None, found: int) -> None:
    announced = {"encoding": "pcm16"} if rate is None else {"encoding": "pcm16", "sampleRate": rate}
    news = PeerMedia().receive(json.dumps({"event": "start", "start": {"mediaFormat": announced}}))
    assert news == StreamStarted("", "pcm16", found, {})


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "",
        "[1]",
        "null",
        '{"customEvent":"x"}',
        '{"event":"text","text":"x"}',
        '{"event":7}',
        '{"type":"a","start":"now"}',
        '{"event":"text","start":"now"}',
        "{" * 100_000,
    ],
)
def test_other_texts_are_messages(text: str) -> None:
    peer = PeerMedia()
    assert peer.receive(text) == TextCame(text)
    assert peer.malformed == 0


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\0\1", "binary"),
        ('{"event":"start"}', "without its contents"),
        ('{"event":"media"}', "without its contents"),
        ('{"event":"start","start":{}}', "mediaFormat"),
        ('{"event":"start","start":{"mediaFormat":{"encoding":7}}}', "Expected `str`"),
        (start("MP3"), "no audio in 'MP3'"),
        ('{"event":"start","start":{"mediaFormat":{"encoding":"PCM16","sampleRate":11025}}}', "at 11025 Hz"),
        (media(tag="another"), "no start"),
        ('{"event":"media","media":{"payload":"?"}}', "base64"),
        ('{"event":"media","media":{"payload":null}}', "Expected `str`"),
        ('{"event":"stop","stop":{"tag":"another"}}', "no start"),
    ],
)
def test_what_is_wrong_in_media_is_counted_and_dropped(message: str | bytes, why: str) -> None:
    peer = PeerMedia()
    peer.receive(start())
    assert peer.receive(message) is None
    assert peer.malformed == 1
    assert why in peer.last_malformed


def test_a_start_that_can_not_be_served_ends_the_stream_before() -> None:
    peer = PeerMedia()
    peer.receive(start())
    peer.receive(start("MP3"))
    assert peer.receive(media()) is None


def test_streams_are_told_apart_and_may_start_again_in_another_format() -> None:
    peer = PeerMedia()
    peer.receive(start("PCM16", tag="a"))
    peer.receive(start("ULAW"))
    first, second = peer.receive(media(b"\1\0", tag="a")), peer.receive(media(b"\xff\xff"))
    assert isinstance(first, AudioCame)
    assert isinstance(second, AudioCame)
    assert (first.tag, first.samples.tolist()) == ("a", [1])
    assert (second.tag, second.samples.tolist()) == ("", [0, 0])
    assert peer.receive(start("ALAW", tag="a")) == StreamStarted("a", "ALAW", 8000, {})
    again = peer.receive(media(b"\xd5", tag="a"))
    assert isinstance(again, AudioCame)
    assert again.samples.tolist() == [8]


def test_so_many_streams_may_be_open_and_no_more() -> None:
    peer = PeerMedia()
    for number in range(MOST_STREAMS):
        assert isinstance(peer.receive(start(tag=str(number))), StreamStarted)
    assert peer.receive(start(tag="one more")) is None
    assert isinstance(peer.receive(start(tag="7")), StreamStarted)
    assert peer.receive(stop(tag="7")) == StreamStopped("7")
    assert isinstance(peer.receive(start(tag="one more")), StreamStarted)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["PCM16", "OPUS"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "tag": JSON | st.sampled_from(["", "a"]),
        "payload": JSON | st.binary(max_size=9).map(lambda audio: b64encode(audio).decode()),
        "customParameters": JSON,
        "mediaFormat": JSON | st.fixed_dictionaries({"encoding": st.sampled_from([*ENCODINGS, "x"])}),
    },
)
MESSAGES = st.fixed_dictionaries(
    {"event": st.sampled_from(["start", "media", "stop", "other"]) | JSON},
    optional={"start": PARTS | JSON, "media": PARTS | JSON, "stop": PARTS | JSON, "sequenceNumber": JSON},
)


@given(st.lists(st.binary(max_size=9) | st.text(max_size=30) | MESSAGES.map(json.dumps), max_size=12))
def test_whatever_comes_is_told_or_counted(messages: list[str | bytes]) -> None:
    peer = PeerMedia()
    news = [peer.receive(message) for message in messages]
    assert len([one for one in news if one is None]) == peer.malformed
    for one, message in zip(news, messages, strict=True):
        if isinstance(one, TextCame):
            assert one.text == message


@given(st.sampled_from(sorted(SIZES)), st.lists(st.binary(max_size=700), max_size=5))
def test_audio_may_come_in_pieces_of_any_length(encoding: str, pieces: list[bytes]) -> None:
    peer = PeerMedia()
    peer.receive(start(encoding))
    width = 2 if encoding.startswith("PCM") else 1
    for piece in pieces:
        news = peer.receive(media(piece))
        assert isinstance(news, AudioCame)
        assert len(news.samples) == len(piece) // width
