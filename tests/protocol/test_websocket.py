"""Frames: golden bytes of RFC 6455, wsproto as an independent peer, and what a peer must not do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from voxrun.protocol.websocket import (
    Breach,
    CloseCame,
    FrameEvent,
    PingCame,
    PongCame,
    WebSocketProtocol,
    may_be_sent,
)

LIMIT = 70_000
MASKED_HELLO = bytes.fromhex("818537fa213d7f9f4d5158")


def client() -> WebSocketProtocol:
    return WebSocketProtocol(is_client=True, limit=LIMIT)


def server() -> WebSocketProtocol:
    return WebSocketProtocol(is_client=False, limit=LIMIT)


@pytest.mark.parametrize(
    ("frames", "event"),
    [
        ("810548656c6c6f", "Hello"),
        ("010348656c80026c6f", "Hello"),
        ("890548656c6c6f", PingCame(b"Hello")),
        ("897d" + "2a" * 125, PingCame(b"*" * 125)),
        ("8a0548656c6c6f", PongCame()),
        ("827e0100" + "2a" * 256, b"*" * 256),
        ("827f0000000000010000" + "2a" * 65536, b"*" * 65536),
        ("8800", CloseCame(1005, "")),
        ("0101618800", CloseCame(1005, "")),
        ("880203e8", CloseCame(1000, "")),
        ("880403e86f6b", CloseCame(1000, "ok")),
    ],
)
def test_the_examples_of_the_rfc(frames: str, event: FrameEvent) -> None:
    """Section 5.7, and closing frames."""
    assert client().receive(bytes.fromhex(frames)) == [event]


def test_a_server_unmasks_the_example_of_the_rfc() -> None:
    assert server().receive(MASKED_HELLO) == ["Hello"]


def test_a_control_frame_between_the_pieces_of_a_message() -> None:
    assert client().receive(bytes.fromhex("010348656c890080026c6f")) == [PingCame(b""), "Hello"]


@given(
    st.lists(st.text(max_size=300) | st.binary(max_size=300), max_size=8),
    st.sampled_from([0, 125, 126, 65_535, 65_536]),
    st.integers(1, 400),
    st.booleans(),
)
def test_messages_survive_any_division_into_pieces(
    messages: list[str | bytes], long: int, piece: int, from_client: bool
) -> None:
    messages.append(b"x" * long)
    sender, receiver = (client(), server()) if from_client else (server(), client())
    data = b"".join(map(sender.message, messages))
    came = [event for start in range(0, len(data), piece) for event in receiver.receive(data[start : start + piece])]
    assert came == messages


@given(st.lists(st.text(max_size=200) | st.binary(max_size=LIMIT), min_size=1, max_size=5))
def test_wsproto_understands_a_client(messages: list[str | bytes]) -> None:
    ours, theirs = client(), Connection(ConnectionType.SERVER)
    theirs.receive_data(b"".join(map(ours.message, messages)) + ours.ping() + ours.close(1000, "fin"))
    events = list(theirs.events())
    assert [type(event) for event in events if not isinstance(event, TextMessage | BytesMessage)] == [
        Ping,
        CloseConnection,
    ]
    assert whole([event for event in events if isinstance(event, TextMessage | BytesMessage)]) == messages


@given(st.lists(st.text(max_size=200) | st.binary(max_size=LIMIT), min_size=1, max_size=5))
def test_a_client_understands_wsproto(messages: list[str | bytes]) -> None:
    theirs = Connection(ConnectionType.SERVER)
    events: list[TextMessage | BytesMessage | Ping | CloseConnection] = [
        TextMessage(message) if isinstance(message, str) else BytesMessage(message) for message in messages
    ]
    sent = b"".join(map(theirs.send, [*events, Ping(b"?"), CloseConnection(1000, "fin")]))
    assert client().receive(sent) == [*messages, PingCame(b"?"), CloseCame(1000, "fin")]


def whole(pieces: list[TextMessage | BytesMessage]) -> list[str | bytes]:
    messages: list[str | bytes] = []
    parts: list[bytes] = []
    for piece in pieces:
        parts.append(piece.data.encode() if isinstance(piece.data, str) else bytes(piece.data))
        if piece.message_finished:
            data = b"".join(parts)
            messages.append(data.decode() if isinstance(piece.data, str) else data)
            parts = []
    return messages


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ("c100", 1002),  # a reserved bit
        ("8300", 1002),  # an unknown opcode
        ("8b00", 1002),
        ("818537fa213d7f9f4d5158", 1002),  # a server that masks
        ("8000", 1002),  # the rest of no message
        ("0101618100", 1002),  # a message within a message
        ("0900", 1002),  # a ping in pieces
        ("0800", 1002),
        ("897e007e" + "00" * 126, 1002),  # a long ping
        ("817e0005" + "61" * 5, 1002),  # a length in too many bytes
        ("817f000000000000ffff", 1002),
        ("880103", 1002),  # half a code
        ("880203ed", 1002),  # 1005 is never sent
        ("88020000", 1002),
        ("880303e8ff", 1007),
        ("8102c328", 1007),
        ("0101c3800128", 1007),
        ("817f0000000000011171", 1009),  # before any of it is there
        ("017f000000000000ffff", 1002),
        ("027efde8" + "00" * 65_000 + "807e1770", 1009),
        ("c17e0100" + "61" * 256, 1002),  # the same in the length that audio has
        ("81fe0100" + "00" * 4 + "61" * 256, 1002),
        ("010161817e0100" + "61" * 256, 1002),
        ("817e0100" + "c3" * 256, 1007),
    ],
)
def test_a_breach_is_told_and_ends_the_listening(frames: str, code: int) -> None:
    protocol = client()
    *_, breach = protocol.receive(bytes.fromhex(frames))
    assert isinstance(breach, Breach)
    assert breach.code == code
    for unheard in ("short", "as long as audio" * 16):
        assert protocol.receive(server().message(unheard)) == []


def test_a_message_may_be_as_long_as_the_limit_and_no_longer() -> None:
    protocol = WebSocketProtocol(is_client=True, limit=300)
    assert protocol.receive(server().message("a" * 300) + server().message(b"b" * 300)) == ["a" * 300, b"b" * 300]
    assert protocol.receive(server().message("a" * 300)) == ["a" * 300]
    (breach,) = protocol.receive(server().message("a" * 301))
    assert isinstance(breach, Breach)
    assert breach.code == 1009


def test_what_looks_like_a_frame_in_the_middle_of_another_is_none() -> None:
    protocol, inner = client(), server().message(b"i" * 200)
    outer = server().message(b"o" + inner)
    assert protocol.receive(outer[: -len(inner)]) == []
    assert protocol.receive(inner) == [b"o" + inner]
    assert protocol.receive(bytes.fromhex("010161")) == []  # the first piece of a text
    (breach,) = protocol.receive(inner)
    assert isinstance(breach, Breach)


def test_a_client_that_does_not_mask_breaks_the_protocol() -> None:
    (breach,) = server().receive(bytes.fromhex("810548656c6c6f"))
    assert isinstance(breach, Breach)
    assert breach.code == 1002


def test_nothing_comes_after_the_closing_frame() -> None:
    protocol, peer = client(), server()
    assert protocol.receive(peer.close(4000, "bye") + peer.message("late")) == [CloseCame(4000, "bye")]
    assert protocol.receive(peer.message("later")) == []


def test_a_long_reason_is_cut_between_letters() -> None:
    (event,) = client().receive(server().close(1000, "é" * 100))
    assert event == CloseCame(1000, "é" * 61)


def test_no_code_is_an_empty_closing_frame() -> None:
    assert server().close(1005, "unsaid") == bytes.fromhex("8800")


def test_every_mask_is_another() -> None:
    protocol = client()
    assert len({protocol.message("same")[2:6] for _ in range(500)}) > 490


def test_half_a_letter_can_not_be_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        client().message("\ud800")


@given(st.lists(st.binary(max_size=40), max_size=10), st.booleans())
def test_junk_is_a_breach_at_worst(pieces: list[bytes], is_client: bool) -> None:
    protocol = WebSocketProtocol(is_client=is_client, limit=1000)
    events = [event for piece in pieces for event in protocol.receive(piece)]
    assert all(not isinstance(event, Breach) for event in events[:-1])


def _frame(first: int, payload: bytes, fault: int, *, masked: bool) -> bytes:
    """One frame; a few `fault`s make its head a wrong one."""
    size = len(payload)
    wide = size.to_bytes(2) if 125 < size < 65_536 or fault == 1 else size.to_bytes(8) if size > 125 else b""
    short = {0: size, 2: 126, 8: 127}[len(wide)]
    mask = 0x80 if masked is (fault != 2) else 0
    return bytes((first ^ (0x40 if fault == 3 else 0), mask | short)) + wide + (bytes(4) if masked else b"") + payload


FIRST = st.sampled_from([0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x81, 0x82, 0x88])
PAYLOADS = [bytes(size) for size in (0, 2, 125, 126, 200, 65_535, 65_536)]
PAYLOADS += [b"\x03\xe8", b"\xff" * 126, b"a" * 160, "\u00e9".encode() * 80, "\u00e9".encode()[:1]]
FRAMES = st.lists(
    st.tuples(FIRST, st.integers(0, len(PAYLOADS) - 1), st.integers(0, 12)),  # faults are seldom
    min_size=1,
    max_size=8,
)


@settings(max_examples=400)
@given(FRAMES, st.sampled_from([100, 300, LIMIT]), st.booleans(), st.data())
def test_the_same_bytes_bring_the_same_events_however_they_are_cut(
    frames: list[tuple[int, int, int]], limit: int, is_client: bool, data: st.DataObject
) -> None:
    """What comes frame by frame is mostly read in a way of its own, and never what came after a single byte."""
    encoded = [_frame(first, PAYLOADS[at], fault, masked=not is_client) for first, at, fault in frames]
    whole = b"".join(encoded)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    (expected, *others) = (
        [event for piece in received if piece for event in protocol.receive(piece)]
        for received in ([whole[:1], whole[1:]], [whole], encoded, pieces)
        for protocol in (WebSocketProtocol(is_client=is_client, limit=limit),)
    )
    assert others == [expected] * 3


def test_codes_that_may_be_sent() -> None:
    may = [code for code in range(6000) if may_be_sent(code)]
    assert may == [1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)]
