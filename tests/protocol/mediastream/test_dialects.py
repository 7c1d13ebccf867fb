"""Each dialect against messages as its provider documents them, and against junk."""

import json
import sys
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.protocol.mediastream.dialect import Dialect
from voxrun.protocol.mediastream.format import StreamFormat
from voxrun.protocol.mediastream.news import Backlog, Breach, Media, News, Played, Started, Stopped, Tone
from voxrun.protocol.mediastream.stream import DIALECTS, MOST_MALFORMED, MediaStream

MESSAGES = Path(__file__).parent / "messages"
AUDIO = b"\x00\xff\x7f\x80"

ULAW, ALAW = StreamFormat("ulaw", 8000), StreamFormat("alaw", 8000)
PCM8, PCM16 = StreamFormat("pcm", 8000), StreamFormat("pcm", 16_000)

HEARD: dict[str, list[News | None]] = {
    "twilio": [
        None,
        Started(
            "MZ00000000000000000000000000000002",
            ULAW,
            call_id="CA00000000000000000000000000000003",
            parameters={"callerid": "+493012345", "destination": "+15550100", "order": "17"},
        ),
        Media(AUDIO),
        None,
        Tone("1"),
        Played("voxrun-1"),
        Stopped(),
    ],
    "telnyx": [
        None,
        Started(
            "00000000-0000-0000-0000-000000000002",
            ALAW,
            call_id="v3:call",
            callerid="+493012345",
            destination="+15550100",
            parameters={"order": "17", "customData": "order 17"},
        ),
        Media(AUDIO),
        None,
        Tone("1"),
        Played("voxrun-1"),
        Stopped(),
    ],
    "plivo": [
        Started(
            "s-2",
            PCM16,
            call_id="c-3",
            parameters={"callerid": "493012345", "destination": "15550100", "order": "17 a"},
        ),
        Media(AUDIO),
        None,
        Tone("1"),
        Played("voxrun-1"),
        None,
    ],
    "voximplant": [
        None,
        Started("caller", PCM16, parameters={"callerid": "+493012345", "order": "17"}),
        Media(AUDIO),
        None,
        None,
    ],
    "vonage": [
        Started("", PCM16, parameters={"callerid": "493012345", "destination": "15550100", "vip": "true"}),
        Tone("1"),
        Played("voxrun-1"),
        None,
        Stopped(),
    ],
    "jambonz": [
        Started(
            "c-3",
            PCM8,
            call_id="c-3",
            callerid="493012345",
            destination="15550100",
            parameters={
                "callSid": "c-3",
                "direction": "inbound",
                "from": "493012345",
                "to": "15550100",
                "customerData": '{"order":17}',
            },
        ),
        Tone("1"),
        Played("voxrun-1"),
    ],
}

SAID: dict[str, list[str | bytes | None]] = {
    "twilio": [
        None,
        '{"event":"media","streamSid":"MZ00000000000000000000000000000002","media":{"payload":"AP9/gA=="}}',
        '{"event":"mark","streamSid":"MZ00000000000000000000000000000002","mark":{"name":"a\\"b"}}',
        '{"event":"clear","streamSid":"MZ00000000000000000000000000000002"}',
        None,
        None,
    ],
    "telnyx": [
        None,
        '{"event":"media","media":{"payload":"AP9/gA=="}}',
        '{"event":"mark","mark":{"name":"a\\"b"}}',
        '{"event":"clear"}',
        None,
        None,
    ],
    "plivo": [
        None,
        '{"event":"playAudio","media":{"contentType":"audio/x-l16","sampleRate":16000,"payload":"AP9/gA=="}}',
        '{"event":"checkpoint","streamId":"s-2","name":"a\\"b"}',
        '{"event":"clearAudio","streamId":"s-2"}',
        '{"event":"sendDTMF","dtmf":"12#"}',
        None,
    ],
    "voximplant": [
        '{"event":"start","sequenceNumber":0,"start":{"mediaFormat":{"encoding":"PCM16","sampleRate":16000}}}',
        '{"event":"media","sequenceNumber":1,"media":{"chunk":0,"timestamp":0,"payload":"AP9/gA=="}}',
        None,
        None,
        None,
        None,
    ],
    "vonage": [
        None,
        AUDIO,
        '{"action":"notify","payload":{"name":"a\\"b"}}',
        '{"action":"clear"}',
        None,
        None,
    ],
    "jambonz": [
        None,
        AUDIO,
        '{"type":"mark","data":{"name":"a\\"b"}}',
        '{"type":"killAudio"}',
        None,
        '{"type":"disconnect"}',
    ],
}


def stream_of(name: str) -> MediaStream:
    return MediaStream(DIALECTS.get(name, DIALECTS["l16"])())


def messages(name: str) -> list[str]:
    return (MESSAGES / f"{name}.jsonl").read_text().splitlines()


def started(name: str) -> MediaStream:
    """A stream that has heard all up to its start."""
    stream = stream_of(name)
    for message in messages(name):
        if stream.started is None:
            stream.receive(message)
    return stream


def commands(dialect: Dialect) -> list[str | bytes | None]:
    return [
        dialect.begin(),
        dialect.media(AUDIO),
        dialect.mark('a"b'),
        dialect.clear(),
        dialect.digits("12#"),
        dialect.hang_up(),
    ]


@pytest.mark.parametrize("name", sorted(HEARD))
def test_what_a_provider_says_is_understood(name: str) -> None:
    stream = stream_of(name)
    assert [stream.receive(message) for message in messages(name)] == HEARD[name]
    assert stream.malformed == 0
    if HEARD[name][-1] == Stopped():
        assert not any(stream.receive(message) for message in (*messages(name), "nonsense"))
        assert stream.malformed == 0


@pytest.mark.parametrize("name", sorted(HEARD))
def test_text_may_come_as_bytes_too_where_bytes_are_not_audio(name: str) -> None:
    stream = stream_of(name)
    binary = name in ("vonage", "jambonz")
    said = [message if binary else message.encode() for message in messages(name)]
    assert [stream.receive(message) for message in said] == HEARD[name]


@pytest.mark.parametrize("name", sorted(SAID))
def test_what_is_said_to_a_provider(name: str) -> None:
    said = commands(started(name).dialect)
    assert said == SAID[name]
    assert all(json.loads(text) for text in said if isinstance(text, str))


@pytest.mark.parametrize("name", ["vonage", "jambonz"])
def test_binary_messages_are_audio(name: str) -> None:
    assert started(name).receive(AUDIO) == Media(AUDIO)


def test_the_time_of_voximplants_chunks_goes_on() -> None:
    dialect = started("voximplant").dialect
    dialect.media(AUDIO)
    assert json.loads(dialect.media(AUDIO))["media"] | {"payload": ""} == {"chunk": 1, "timestamp": 320, "payload": ""}


def test_another_stream_of_voximplants_is_not_the_calls() -> None:
    stream = started("voximplant")
    assert stream.receive(messages("voximplant")[1].replace('"caller"', '"music"')) is None
    assert stream.receive('{"event":"media","media":{"tag":"music","payload":"AP9/gA=="}}') is None
    assert stream.receive('{"event":"stop","stop":{"tag":"music","mediaInfo":{"bytesSent":4}}}') is None
    assert stream.receive('{"event":"media","media":{"tag":"caller","payload":"AP9/gA=="}}') == Media(AUDIO)
    assert stream.receive('{"event":"media","media":{"payload":"AP9/gA=="}}') == Media(AUDIO)


@pytest.mark.parametrize("stop", ['{"event":"stop"}', '{"event":"stop","stop":{"tag":"caller"}}'])
def test_voximplants_stream_may_stop_and_start_again(stop: str) -> None:
    stream = started("voximplant")
    start = messages("voximplant")[1]
    audio = '{"event":"media","media":{"tag":"%s","payload":"AP9/gA=="}}'
    for tag in ("caller", "music", "caller"):
        assert stream.receive(audio % tag) == Media(AUDIO)
        assert stream.receive(stop.replace("caller", tag)) is None
        assert stream.receive(audio % tag) is None
        following = {"caller": "music", "music": "caller"}[tag]
        assert stream.receive(start.replace('"caller"', f'"{following}"')) is None
        assert stream.receive(audio % tag) is None
    assert stream.malformed == 0
    stream.receive('{"event":"stop"}')
    assert stream.receive(start.replace("PCM16", "ULAW").replace("16000", "8000")) == Breach(
        1003, "the stream starts again in another format: 'ULAW' at 8000 Hz"
    )


def chunk(number: int, audio: bytes = AUDIO) -> str:
    media = {"track": "inbound", "chunk": str(number), "payload": b64encode(audio).decode()}
    return json.dumps({"event": "media", "media": media})


def test_telnyxs_chunks_are_put_in_order() -> None:
    stream = started("telnyx")
    said = [bytes([number]) for number in range(9)]
    told = [stream.receive(chunk(number, said[number])) for number in (1, 3, 2, 4, 6, 7, 8, 5)]
    assert told == [
        Media(said[1]),
        None,
        Backlog(said[2:4]),
        Media(said[4]),
        None,
        None,
        Backlog(said[6:9]),
        None,
    ]
    assert stream.dialect.late == 1
    assert stream.malformed == 0
    other = json.loads(chunk(9)) | {"media": {"track": "outbound", "chunk": "9", "payload": "AA=="}}
    assert stream.receive(json.dumps(other)) is None
    assert stream.receive(chunk(9)) == Media(AUDIO)


@pytest.mark.parametrize(
    ("state", "parameters"),
    [
        (None, {}),
        ("b3JkZXIgMTc=", {"customData": "order 17"}),
        ("YWJj!", {"customData": "YWJj!"}),
        ("Zoë ✓", {"customData": "Zoë ✓"}),
    ],
)
def test_telnyxs_state_of_the_client_is_text_in_base64_if_it_is_any(
    state: str | None, parameters: dict[str, str]
) -> None:
    stream = stream_of("telnyx")
    start = json.loads(messages("telnyx")[1])
    start["start"] |= {"client_state": state, "custom_parameters": None}
    stream.receive(json.dumps(start))
    assert stream.started
    assert stream.started.parameters == parameters


def test_telnyxs_chunks_without_a_number_are_heard_as_they_come() -> None:
    stream = started("telnyx")
    assert stream.receive('{"event":"media","media":{"payload":"AP9/gA=="}}') == Media(AUDIO)
    assert stream.receive('{"event":"media","media":{"chunk":"one","payload":"AP9/gA=="}}') is None
    assert stream.malformed == 1


@pytest.mark.parametrize("name", sorted(HEARD))
def test_nothing_but_a_start_counts_before_the_start(name: str) -> None:
    stream = stream_of(name)
    audio = next((message for message in messages(name) if '"payload":"AP' in message), AUDIO)
    assert stream.receive(audio) is None
    assert stream.malformed == 1


@pytest.mark.parametrize("name", ["twilio", "telnyx", "plivo"])
def test_a_second_start_is_a_breach(name: str) -> None:
    stream = started(name)
    start = next(message for message in messages(name) if '"start"' in message)
    assert stream.receive(start) == Breach(1002, "a stream starts once")
    assert stream.receive(messages(name)[-1]) is None


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("twilio", "audio/x-mulaw", "audio/x-opus"),
        ("twilio", "8000", "16000"),
        ("telnyx", "PCMA", "AMR-WB"),
        ("telnyx", '"PCMA","sample_rate":8000', '"L16","sample_rate":22050'),
        ("telnyx", '"sample_rate":8000', '"sample_rate":16000'),
        ("plivo", "16000", "44100"),
        ("voximplant", "PCM16", "SPEEX"),
        ("vonage", "rate=16000", "rate=11025"),
        ("vonage", "audio/l16", "audio/mp3"),
        ("jambonz", "8000", "64000"),
        ("jambonz", '"mono"', '"stereo"'),
    ],
)
def test_audio_that_cannot_be_served_is_refused_with_a_reason(name: str, was: str, now: str) -> None:
    stream = stream_of(name)
    told = [stream.receive(message.replace(was, now)) for message in messages(name)][: len(HEARD[name])]
    (breach,) = [news for news in told if isinstance(news, Breach)]
    assert breach.code == 1003
    assert breach.reason
    assert stream.started is None


@pytest.mark.parametrize(
    ("announced", "expected"),
    [
        ('"PCMU","sample_rate":8000', ULAW),
        ('"L16","sample_rate":16000', PCM16),
        ('"L16","sample_rate":8000', PCM8),
        ('"G722","sample_rate":8000', StreamFormat("g722", 16_000)),
        ('"G722","sample_rate":16000', StreamFormat("g722", 16_000)),
        ('"OPUS","sample_rate":16000', StreamFormat("opus", 48_000)),
    ],
)
def test_telnyx_may_stream_in_codecs_of_rtp(announced: str, expected: StreamFormat) -> None:
    stream = stream_of("telnyx")
    for message in messages("telnyx")[:2]:
        stream.receive(message.replace('"PCMA","sample_rate":8000', announced))
    assert stream.started
    assert stream.started.format == expected


def test_a_codec_whose_library_is_missing_is_refused_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    stream = stream_of("telnyx")
    told = stream.receive(messages("telnyx")[1].replace("PCMA", "OPUS"))
    assert isinstance(told, Breach)
    assert told.code == 1003
    assert "Opus needs av" in told.reason


@pytest.mark.parametrize(("encoding", "rate", "delay"), [("g722", 16_000, 22), ("opus", 48_000, 120)])
def test_what_a_codec_remembers_is_of_its_own_stream(encoding: str, rate: int, delay: int) -> None:
    """Two streams in turn sound as each alone does; what was said is there again, a little later."""
    one, other, alone = (StreamFormat(encoding, rate) for _ in range(3))
    said = tone(rate, 0.5, 440.0)
    frames = said.reshape(-1, rate // 50)
    heard, undisturbed = [], []
    for frame in frames:
        heard.append(one.decode(one.encode(frame)))
        other.decode(other.encode(frame[::-1].copy()))
        undisturbed.append(alone.decode(alone.encode(frame)))
    assert np.array_equal(np.concatenate(heard), np.concatenate(undisturbed))
    late, early = np.concatenate(heard)[rate // 10 + delay :], said[rate // 10 : -delay]
    assert np.corrcoef(late[: len(early)], early[: len(late)])[0, 1] > 0.98


@given(st.binary(max_size=50))
def test_what_is_no_opus_is_no_audio(junk: bytes) -> None:
    assert StreamFormat("opus", 48_000).decode(junk).dtype == np.int16
    assert len(StreamFormat("opus", 48_000).decode(b"")) == 0


@pytest.mark.parametrize("name", sorted(HEARD))
def test_a_peer_that_says_nothing_but_nonsense_is_given_up(name: str) -> None:
    stream = stream_of(name)
    told = [stream.receive("nonsense") for _ in range(MOST_MALFORMED + 1)]
    assert told[:-1] == [None] * MOST_MALFORMED
    assert isinstance(told[-1], Breach)
    assert stream.malformed == MOST_MALFORMED + 1


@pytest.mark.parametrize("name", ["twilio", "telnyx", "plivo", "voximplant"])
def test_a_message_without_its_contents_is_counted(name: str) -> None:
    stream = started(name)
    assert not any(stream.receive(f'{{"event":"{event}"}}') for event in ("start", "media"))
    assert stream.malformed == 2


@pytest.mark.parametrize("name", sorted(HEARD))
def test_a_peer_that_says_sense_in_between_is_not(name: str) -> None:
    stream = started(name)
    sense = next((message for message in messages(name) if '"payload":"AP' in message), AUDIO)
    told = [stream.receive(said) for _ in range(2 * MOST_MALFORMED) for said in ("nonsense", sense)]
    assert not any(isinstance(news, Breach) for news in told)
    assert stream.malformed == 2 * MOST_MALFORMED


def test_a_stream_id_cannot_smuggle_a_message_in() -> None:
    stream = stream_of("twilio")
    start = json.loads(messages("twilio")[1])
    start["start"]["streamSid"] = 'x","event":"stop'
    stream.receive(json.dumps(start))
    assert json.loads(stream.dialect.media(AUDIO)) == {
        "event": "media",
        "streamSid": 'x","event":"stop',
        "media": {"payload": "AP9/gA=="},
    }


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(
    ["event", "start", "media", "dtmf", "mark", "stop", "name", "type", "data", "payload", "sampleRate"]
)


@given(st.sampled_from(sorted(HEARD)), st.booleans(), st.dictionaries(KEYS, JUNK, max_size=5))
def test_junk_in_the_shape_of_messages_is_counted_or_ignored(name: str, begun: bool, junk: dict[str, object]) -> None:
    stream = started(name) if begun else stream_of(name)
    before = stream.malformed
    told = stream.receive(json.dumps(junk))
    assert told is None or isinstance(told, News | Breach)
    assert stream.malformed in (before, before + 1)


@given(st.sampled_from(sorted(HEARD)), st.data())
def test_a_message_with_a_wrong_byte_in_it(name: str, data: st.DataObject) -> None:
    stream = stream_of(name)
    for message in messages(name):
        raw = bytearray(message.encode())
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        told = stream.receive(bytes(raw) if name not in ("vonage", "jambonz") else raw.decode("utf-8", "replace"))
        assert told is None or isinstance(told, News | Breach)


@given(st.binary(max_size=50))
def test_any_bytes_are_some_audio(audio: bytes) -> None:
    for stream_format in (ULAW, ALAW, PCM16):
        samples = stream_format.decode(audio)
        if stream_format.encoding == "pcm":
            assert stream_format.encode(samples) == audio[: len(audio) // 2 * 2]
        else:
            assert len(samples) == len(audio)


@pytest.mark.parametrize(
    ("encoding", "rate"), [("ulaw", 16_000), ("opus", 16_000), ("g722", 8000), ("pcm", 44_100), ("pcm", 0), ("", 8000)]
)
def test_formats_that_no_stream_has(encoding: str, rate: int) -> None:
    with pytest.raises(ValueError, match=f"{encoding!r} at {rate} Hz"):
        StreamFormat(encoding, rate)
