"""The jitter buffer: packets whose samples say where they are from, in any order and at any time."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.frame import FRAME_SECONDS, Samples, silence
from voxrun.protocol.rtp.codecs import CODECS, Codec
from voxrun.protocol.rtp.jitter_buffer import MAX_PACKETS, JitterBuffer
from voxrun.protocol.rtp.media_clock import CAP_SECONDS

L16 = CODECS["L16/8000"]
PACKET = 160


def constant(value: int, size: int = PACKET) -> bytes:
    return L16.new_encoder()(np.full(size, value, np.int16))


def sine(number: int, codec: Codec = L16, size: int = PACKET) -> bytes:
    """The packet of that number of an endless tone of 500 Hz."""
    times = np.arange(number * size, (number + 1) * size)
    return codec.new_encoder()(np.rint(8000 * np.sin(2 * np.pi * 500 * times / 8000)).astype(np.int16))


class Stream:
    """A buffer, what comes to it and what leaves it, tick by tick."""

    def __init__(self) -> None:
        self.buffer = JitterBuffer(8000, 8000)
        self.tick = 0
        self.heard: list[Samples] = []

    @property
    def now(self) -> float:
        return self.tick * FRAME_SECONDS

    def put(self, number: int, payload: bytes, timestamp: int | None = None) -> None:
        stamp = number * PACKET if timestamp is None else timestamp
        self.buffer.put(number, stamp % 2**32, payload, L16, self.now)

    def take(self, ticks: int = 1) -> Samples:
        taken = []
        for _ in range(ticks):
            taken.append(self.buffer.take(self.now))
            self.tick += 1
        self.heard += taken
        return np.concatenate(taken)


def test_silence_before_anything_comes() -> None:
    assert JitterBuffer(8000, 8000).take(1.0) is silence(8000)


def test_steady_packets_come_out_as_they_are() -> None:
    stream = Stream()
    for number in range(50):
        stream.put(number, sine(number))
        stream.take()
    heard = np.concatenate(stream.heard)
    sent = L16.new_decoder()(b"".join(map(sine, range(50))))
    begin = int(np.argmax(heard != 0)) - 1  # the tone's first sample is 0
    assert begin == 160  # one frame: the little allowed for lateness before any was seen
    assert np.array_equal(heard[begin + 80 :], sent[80 : len(heard) - begin])  # joined to silence over 10 ms at most
    assert stream.buffer.counters.concealed == 0


@pytest.mark.parametrize("sizes", [[80], [240], [320], [480], [80, 320, 160, 480, 240]])
def test_all_packet_lengths_and_mixtures(sizes: list[int]) -> None:
    stream = Stream()
    sound = tone(8000, 4.0, hertz=500)
    position = number = 0
    while position + 480 <= len(sound):
        size = sizes[number % len(sizes)]
        while stream.now * 8000 < position + size:  # a packet leaves when its last sample is there
            stream.take()
        stream.put(number, L16.new_encoder()(sound[position : position + size]), position)
        position, number = position + size, number + 1
    heard = np.concatenate(stream.heard)
    begin = int(np.argmax(np.abs(heard) > 200))
    assert stream.buffer.counters.concealed <= 480
    spectrum = np.abs(np.fft.rfft(heard[begin + 4000 : begin + 20000].astype(float) * np.hanning(16000)))
    peak = int(np.argmax(spectrum))
    assert peak == 1000
    assert spectrum[peak - 2 : peak + 3].sum() > 0.95 * spectrum.sum()


def test_a_lost_packet_is_filled() -> None:
    stream = Stream()
    for number in range(40):
        if number not in (20, 21):
            stream.put(number, sine(number))
        stream.take()
    levels = [int(np.abs(frame.astype(int)).max()) for frame in stream.heard]
    assert min(levels[21:23]) > 4000
    assert stream.buffer.counters.concealed == 2 * PACKET


@pytest.mark.parametrize("gap", [3, 5])
def test_a_timestamp_that_jumps_alone_is_a_pause(gap: int) -> None:
    stream = Stream()
    for number in range(41):
        stamp = number * PACKET if number < 40 else (40 + gap) * PACKET
        stream.put(number, sine(number), stamp)
        if number < 39:  # the last two come together, so that it is known why there is nothing between them
            stream.take()
    levels = [int(np.abs(stream.take().astype(int)).max()) for _ in range(gap + 2)]
    assert levels[2 : 1 + gap] == [0] * (gap - 1)
    assert levels[1 + gap] > 7000
    assert stream.buffer.counters.concealed == 0


def test_packets_that_overlap_are_joined() -> None:
    """As at the beginning of GStreamer's Opus, whose first packet holds 6.5 ms that its timestamps leave out."""
    stream = Stream()
    for number in range(20):
        stream.put(number, constant(8000 if number < 10 else -8000), number * PACKET - (52 if number >= 10 else 0))
        stream.take()
    heard = np.concatenate(stream.heard[5:]).astype(int)
    assert (heard[0], heard[-1]) == (8000, -8000)
    assert np.abs(np.diff(heard)).max() < 1000
    assert stream.buffer.counters.concealed == 0


def test_packets_that_overtake_each_other_and_come_in_time_are_all_heard() -> None:
    """Although the delay, which grew by periods of the sound, is by one sample too short for the latest."""
    sound, random = tone(8000, 10.0, hertz=128), Random(2)
    arrivals = [(number, number * FRAME_SECONDS + 0.01 + random.random() * 0.05) for number in range(500)]
    stream = Stream()
    for _ in range(500):
        before = stream.now - FRAME_SECONDS
        for number in [number for number, arrival in arrivals if before < arrival <= stream.now]:
            stream.put(number, L16.new_encoder()(sound[number * PACKET : (number + 1) * PACKET]))
        stream.take()
    assert stream.buffer.delay == pytest.approx(2 * FRAME_SECONDS - 1 / 8000)
    assert stream.buffer.counters.late < 5
    assert stream.buffer.counters.concealed_share < 0.01


def test_a_mark_of_a_pause_is_silence_not_loss() -> None:
    stream = Stream()
    for number in range(20):
        stream.put(number, sine(number))
        stream.take()
    stream.buffer.put_pause(20)
    stream.take(3)
    assert not stream.take(50).any()
    assert stream.buffer.counters.concealed == 0
    stream.put(21, sine(72), 73 * PACKET)
    stream.take()
    stream.put(22, sine(73), 74 * PACKET)
    assert stream.take(2).any()
    assert stream.buffer.counters.concealed == 0


@pytest.mark.parametrize("late", [0, 1, 3, 6])
def test_the_beginning_of_a_talkspurt_is_not_cut_off(late: int) -> None:
    stream = Stream()
    for number in range(60):
        stream.put(number, sine(number))
        stream.take()
    stream.buffer.put_pause(60)
    stream.take(20 + late)
    for number in range(61, 120):
        stream.put(number, constant(1000 + number), (number + 19) * PACKET)
        stream.take()
    heard = set(np.concatenate(stream.heard).tolist())
    assert {1000 + number for number in range(62, 112)} <= heard


def test_when_nothing_comes_the_sound_fades() -> None:
    stream = Stream()
    for number in range(20):
        stream.put(number, sine(number))
        stream.take()
    stream.take(5)
    assert not stream.take(10).any()
    assert stream.buffer.counters.concealed <= 0.06 * 8000


def test_a_backlog_at_the_start_drains() -> None:
    stream = Stream()
    for number in range(50):
        stream.put(number, sine(number))
    for number in range(50, 100):
        stream.take()
        stream.put(number, sine(number))
    stream.take()
    assert stream.buffer.delay < 0.06


def test_delay_grows_with_lateness_and_shrinks_again() -> None:
    random = Random(1)
    stream = Stream()
    waiting: list[tuple[float, int]] = []
    delays = []
    for number in range(1500):
        late = random.uniform(0, 0.1) if 200 <= number < 600 else 0.0
        waiting.append((stream.now + late, number))
        for entry in sorted(waiting):
            if entry[0] <= stream.now:
                waiting.remove(entry)
                stream.put(entry[1], sine(entry[1]) if entry[1] % 50 < 40 else constant(0))
        stream.take()
        delays.append(stream.buffer.delay)
    assert delays[190] < 0.03
    assert 0.08 < delays[590] < 0.13
    assert delays[240] > 0.06  # not a second later
    assert delays[-1] < 0.03


def test_delay_has_a_cap() -> None:
    random = Random(1)
    stream = Stream()
    waiting: list[tuple[float, int]] = []
    for number in range(600):
        waiting.append((stream.now + random.uniform(0, 0.9), number))
        for entry in sorted(waiting):
            if entry[0] <= stream.now:
                waiting.remove(entry)
                stream.put(entry[1], sine(entry[1]))
        stream.take()
    assert stream.buffer.delay <= CAP_SECONDS + 0.03
    assert stream.buffer.counters.late + stream.buffer.counters.strange > 300


@pytest.mark.parametrize("jump", [2**31, 2**31 - 1, 10**6, -(10**6), 2**32 - 160 * 30])
def test_a_huge_jump_resyncs(jump: int) -> None:
    stream = Stream()
    for number in range(100):
        stream.put(number, constant(1000 + number), number * PACKET + (jump if number >= 50 else 0))
        stream.take()
    assert stream.heard[-1].max() >= 1090
    assert stream.buffer.delay < 0.06


def test_one_strange_timestamp_is_dropped() -> None:
    stream = Stream()
    for number in range(100):
        stream.put(number, constant(1000 + number), number * PACKET + (10**6 if number == 50 else 0))
        stream.take()
    assert stream.buffer.counters.strange == 1
    assert stream.heard[-1].max() >= 1090


@pytest.mark.parametrize("seconds", [0.3, 2.0])
def test_a_stall_that_delivers_all_at_once_is_got_over(seconds: float) -> None:
    stream = Stream()
    stalled = range(100, 100 + round(seconds / FRAME_SECONDS))
    for number in range(400):
        if number == stalled[-1]:
            for late in stalled:
                stream.put(late, sine(late))
        elif number not in stalled:
            stream.put(number, sine(number))
        stream.take()
    assert stream.buffer.delay < CAP_SECONDS + 0.03
    stream.take(1)
    late = stream.buffer.counters.late
    for number in range(400, 800):
        stream.put(number, sine(number))
        stream.take()
    assert stream.buffer.counters.late == late
    assert stream.buffer.delay < 0.05


def test_a_packet_longer_than_any_is_dropped() -> None:
    stream = Stream()
    stream.put(1, constant(1, 8000))
    assert stream.buffer.counters.strange == 1
    assert not stream.take().any()


@pytest.mark.parametrize("bad", [{20}, {20, 21, 22}, {20, 25, 26}])
def test_what_a_decoder_refuses_is_a_gap(bad: set[int]) -> None:
    def decode(payload: bytes) -> Samples:
        if payload[0] == 0xFF:
            raise ValueError("junk")
        return L16.new_decoder()(payload)

    choosy = Codec("choosy", 97, 8000, 8000, L16.units, L16.new_encoder, lambda: decode)
    buffer = JitterBuffer(8000, 8000)
    heard = []
    for number in range(60):
        payload = b"\xff" * 320 if number in bad else b"\x10\x00" * 160
        buffer.put(number, number * PACKET, payload, choosy, number * FRAME_SECONDS)
        heard.append(buffer.take(number * FRAME_SECONDS))
    assert buffer.counters.strange == len(bad)
    samples = np.concatenate(heard)
    assert set(samples[-1600:].tolist()) == {0x1000}
    assert (samples[1600:] < 0x0800).sum() <= len(bad) * PACKET
    assert np.abs(np.diff(samples[800:].astype(int))).max() < 0x0800


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("packet"), st.integers(-5, 5), st.sampled_from([0, 0, 0, 0, 160, -160, 8000, 10**7, -(10**7)])
        ),
        st.tuples(st.just("pause"), st.integers(-5, 5), st.sampled_from([0, 0, 400])),
        st.tuples(st.just("take"), st.integers(0, 4), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    max_size=200,
)


def play(moves: list[tuple[str, int, int]]) -> tuple[Stream, list[bytes]]:
    """Any packets in any order; the stream, and the payloads it decoded in that order."""
    stream = Stream()
    decoded: list[bytes] = []
    decode = L16.new_decoder()

    def remember(payload: bytes) -> Samples:
        decoded.append(payload)
        return decode(payload)

    watched = Codec("watched", 97, 8000, 8000, L16.units, L16.new_encoder, lambda: remember)
    base, shift, serial = 1000, 0, 0
    for kind, offset, jump in moves:
        number = max(0, base + offset)
        stamp = (number * PACKET + shift) % 2**32
        if kind == "packet":
            shift += jump
            serial += 1
            payload = constant(serial)
            stream.buffer.put(number, stamp, payload, watched, stream.now)
            base += 1
        elif kind == "pause":
            stream.buffer.put_pause(number)
            base += 1
        elif kind == "take":
            for frame in stream.take(offset).reshape(-1, PACKET) if offset else []:
                assert frame.dtype == np.int16
        else:
            stream.buffer.restart()
    return stream, decoded


@given(steps)
def test_any_order_loss_and_jump_plays_each_packet_at_most_once(moves: list[tuple[str, int, int]]) -> None:
    stream, decoded = play(moves)
    assert len(set(decoded)) == len(decoded)
    assert len(stream.buffer) <= MAX_PACKETS
    assert all(len(frame) == PACKET for frame in stream.heard)
    begin = stream.tick
    for n in range(500):
        stream.put(100_000 + n, sine(n), 10**9 + n * PACKET)
        stream.take()
    assert stream.tick - begin == 500
    assert stream.buffer.delay < 0.06
    assert np.abs(stream.heard[-1].astype(int)).max() > 7000


@given(st.integers(MAX_PACKETS, 3 * MAX_PACKETS))
def test_no_more_than_a_hundred_wait(count: int) -> None:
    stream = Stream()
    for number in range(count):
        stream.put(number, sine(number), 0)
    assert len(stream.buffer) <= MAX_PACKETS
