"""`JitterBuffer`: packets in as they come, 20 ms frames out on the media clock, which is that of the timestamps."""

import numpy as np
from msgspec import Struct

from voxrun.audio.conceal import LONGEST_MS, Concealer
from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.audio.period import lengthen, shorten
from voxrun.protocol.rtp.codecs import Codec, Decode
from voxrun.protocol.rtp.comfort_noise import ComfortNoise
from voxrun.protocol.rtp.media_clock import MediaClock

MAX_PACKETS = 100
"""How many wait at most; the oldest makes room."""

MAX_PACKET_SECONDS = 0.2
"""A packet that holds more is dropped."""

_JUMPED_SECONDS = 0.15  # a delay longer than it needs to be by this is cut at once
_PRESSING_SECONDS = 0.06  # by this: a period goes wherever it is
_AUDIBLE_SECONDS = 0.015  # by this: a period goes where the sound repeats itself
_HIDDEN_SECONDS = 0.01  # by this: a period goes where it is quiet
_SHORT_SECONDS = -0.0005  # a delay shorter than it needs to be by this grows where the sound repeats itself or is quiet
_TOO_SHORT_SECONDS = -0.01  # by this: wherever it is
_REPEATS = 0.7  # likeness of two periods
_QUIET_SHARE = 0.05  # of the loudest sample of late
_QUIET_LEVEL = 60
_LOUDNESS_KEPT = 0.995  # per frame


class Counters(Struct):
    """What became of samples and packets."""

    played: int = 0
    """Samples handed out while the peer sent audio, gaps included."""
    concealed: int = 0
    """Samples among them that stand for lost ones."""
    late: int = 0
    """Packets that came when their time was over, or once more."""
    dropped: int = 0
    """Packets jumped over to get rid of a backlog."""
    strange: int = 0
    """Packets of another clock, longer than any should be, or that no encoder can have made."""

    @property
    def concealed_share(self) -> float:
        """0 to 1."""
        return self.concealed / self.played if self.played else 0.0


class _Waiting(Struct, frozen=True, gc=False):
    """A packet that waits for its time; without a codec it begins a pause, whose noise its payload describes."""

    number: int
    stamp: int = 0
    codec: Codec | None = None
    payload: bytes = b""
    units: int = 0


class JitterBuffer:
    """One stream on its way to the ear. Every packet is played at most once, and no more than 100 wait.

    What is heard follows the peer's clock at the distance that `MediaClock` asks for. The distance grows by pitch
    periods put in and shrinks by periods taken out, in quiet places where there are any: drift and a change of the
    network are the same to it. A gap in the numbers is loss and is filled; a gap in the timestamps alone is a pause.
    """

    def __init__(self, clock_rate: int, audio_rate: int) -> None:
        """Rates in Hz; every codec given to `put` must have them."""
        self.counters = Counters()
        self.delay = 0.0
        """Seconds by which what is heard is behind the fastest packet."""
        self._clock_rate = clock_rate
        self._rate = audio_rate
        self._per_unit = audio_rate // clock_rate  # samples per tick of the RTP clock
        self._bridged = clock_rate * LONGEST_MS // 1000  # the longest gap filled at once when its end is known
        self._short = round(-_SHORT_SECONDS * clock_rate)  # by so little, what is missing may still come in time
        self._frame = frame_size(audio_rate)
        self._decoders: dict[str, Decode] = {}
        self._concealer = Concealer(audio_rate)
        self._noise = ComfortNoise()
        self._ready = np.zeros(0, np.int16)  # what is made but not yet handed out
        self._before = silence(audio_rate)  # what was handed out last
        self._loudness = 0.0
        self._end = 0  # the timestamp up to which audio is made
        self._is_pause = True
        self._is_idle = True  # nothing sounds: the distance to the peer's clock may change freely
        self._last: int | None = None  # the number of the packet played last
        self._queue: list[_Waiting] = []  # by number
        self._clock = MediaClock(clock_rate)

    def __len__(self) -> int:
        """Packets that wait."""
        return len(self._queue)

    def restart(self) -> None:
        """Forget numbers and clock, as a new source has its own; what sounds now runs into what comes."""
        self._clock = MediaClock(self._clock_rate)
        self._begin()

    def put(self, number: int, timestamp: int, payload: bytes, codec: Codec, arrival: float) -> None:
        """A packet of audio with its extended sequence number, come at `arrival` seconds."""
        units = codec.units(payload)
        if not 0 < units <= MAX_PACKET_SECONDS * self._clock_rate:
            self.counters.strange += 1
        elif (stamp := self._placed(timestamp, arrival)) is not None:
            self._insert(_Waiting(number, stamp, codec, payload, units))

    def put_pause(self, number: int, noise: bytes = b"") -> None:
        """A packet that is no audio: after those before it nobody speaks, until audio comes again.

        `noise`: the payload that says what is heard meanwhile (RFC 3389); without one it is silence.
        """
        self._insert(_Waiting(number, payload=noise))

    def take(self, now: float) -> Samples:
        """The 20 ms due at `now` seconds, not to be changed. Ask once per tick."""
        self._clock.tick(now)
        if not self._clock.is_running:
            return silence(self._rate)
        if self._is_idle:
            wanted = round((now - self._clock.transit) * self._clock_rate)
            self._end = self._talkspurt(wanted + len(self._ready) // self._per_unit)
        excess = self._excess(now)
        self.delay = excess + self._clock.transit - self._clock.fastest
        if excess > _JUMPED_SECONDS and not self._is_idle:
            self._jump(round(excess * self._clock_rate))
        self._fill()
        if not self._is_idle:
            self._steer(excess)
        return self._hand_out()

    def tick(self, now: float) -> None:
        """Instead of `take` when that was done ahead of the tick that is due at `now`."""
        self._clock.tick(now)

    def is_complete(self, now: float) -> bool:
        """Whether nothing that is still to come belongs to the 20 ms due at `now`: `take` would do the same by now."""
        if self._is_idle or not _SHORT_SECONDS <= self._excess(now) <= _HIDDEN_SECONDS:
            return False
        end = self._end
        wanted = end - (len(self._ready) - self._frame) // self._per_unit  # rounded up
        for packet in self._queue:
            if end >= wanted or packet.codec is None or packet.stamp > end:
                break
            end = max(end, packet.stamp + packet.units)
        return end >= wanted

    def _excess(self, now: float) -> float:
        """Seconds by which the delay is longer than it needs to be."""
        position = self._end - len(self._ready) / self._per_unit
        return now - self._clock.transit - position / self._clock_rate

    def _begin(self) -> None:
        self._queue.clear()
        self._last = None
        self._is_pause = self._is_idle = True
        self._noise.describe(b"")
        self._concealer.interrupt()

    def _placed(self, timestamp: int, arrival: float) -> int | None:
        """The unwrapped timestamp; None when it can't be right."""
        resyncs = self._clock.resyncs
        stamp = self._clock.place(timestamp, arrival)
        if stamp is None:
            self.counters.strange += 1
        elif self._clock.resyncs > resyncs:
            self._begin()
        return stamp

    def _insert(self, packet: _Waiting) -> None:
        queue = self._queue
        place = len(queue)
        while place and queue[place - 1].number > packet.number:
            place -= 1
        before = queue[place - 1].number if place else self._last
        if before is not None and packet.number <= before:
            self.counters.late += 1
            return
        queue.insert(place, packet)
        if len(queue) > MAX_PACKETS:
            self._pop()
            self.counters.dropped += 1

    def _pop(self) -> _Waiting:
        packet = self._queue.pop(0)
        self._last = packet.number
        return packet

    def _talkspurt(self, wanted: int) -> int:
        """Where to go on from silence: at `wanted`, but not so that a beginning that has just come is cut off."""
        begin = next((packet.stamp for packet in self._queue if packet.codec is not None), wanted)
        return begin if wanted - _JUMPED_SECONDS * self._clock_rate < begin < wanted else wanted

    def _jump(self, units: int) -> None:
        """Go on so much later."""
        self._end += units
        while self._queue and self._is_over(self._queue[0]):
            self.counters.dropped += self._pop().codec is not None
        self._concealer.interrupt()

    def _fill(self) -> None:
        """Make audio for at least a frame."""
        while (missing := self._frame - len(self._ready)) > 0:
            made = self._make(-(-missing // self._per_unit))
            self._ready = np.concatenate((self._ready, made)) if len(self._ready) else made

    def _make(self, units: int) -> Samples:
        """What follows what is made: a packet's audio, or at most `units` of a gap."""
        head = self._head()
        gap = head.stamp - self._end if head is not None else units
        if head is not None and gap <= 0 and head.codec is not None:
            return self._play(head, head.codec)
        is_pause = self._is_pause or (head is not None and head.number - 1 == self._last)
        is_known_loss = units > self._short and gap <= self._bridged and not (is_pause or self._is_idle)
        if head is not None and head.codec is not None and not head.codec.remembers and is_known_loss:
            return self._bridge(gap, head, head.codec)
        units = min(gap, units)
        self._end += units
        if is_pause:
            return self._pause(units * self._per_unit)
        made = self._concealer.conceal(units * self._per_unit)
        self._is_idle = self._concealer.is_silent
        self.counters.concealed += 0 if self._is_idle else len(made)
        return made

    def _head(self) -> _Waiting | None:
        """The packet to be played next; those whose time is over, and those that only begin a pause, are gone then."""
        while self._queue:
            head = self._queue[0]
            if not self._is_over(head):
                return head
            self._pop()
            if head.codec is None:
                self._is_pause = True
                self._noise.describe(head.payload)
            else:
                self.counters.late += 1
        return None

    def _is_over(self, packet: _Waiting) -> bool:
        return packet.codec is None or packet.stamp + packet.units <= self._end

    def _play(self, packet: _Waiting, codec: Codec) -> Samples:
        late = self._end - packet.stamp
        is_resumption = self._is_idle and self._last is not None  # maybe in the middle of a sound: after a key was sent
        samples = self._decode(packet, codec)
        if late or is_resumption:  # its beginning was filled, is in the packet before, or does not follow the pause
            self._concealer.interrupt()
        return self._concealer.heard(samples[late * self._per_unit :]) if len(samples) else samples

    def _bridge(self, gap: int, packet: _Waiting, codec: Codec) -> Samples:
        """What fills the gap before a packet, and its audio."""
        self.counters.concealed += gap * self._per_unit
        return self._concealer.bridge(gap * self._per_unit, self._decode(packet, codec))

    def _decode(self, packet: _Waiting, codec: Codec) -> Samples:
        """A packet's samples; none when it has none after all, which is a loss like any other."""
        played = self._last
        self._pop()
        if codec.name not in self._decoders:
            self._decoders[codec.name] = codec.new_decoder()
        try:
            samples = self._decoders[codec.name](packet.payload)
        except ValueError:
            self.counters.strange += 1
            self._last = played
            self._end = max(self._end, packet.stamp)
            return np.zeros(0, np.int16)
        self._end = packet.stamp + packet.units
        self._is_pause = self._is_idle = False
        return samples

    def _pause(self, size: int) -> Samples:
        if not self._is_idle:
            self._concealer.interrupt()
        self._is_idle = True
        return self._concealer.heard(self._noise.next(size))

    def _steer(self, excess: float) -> None:
        """Take a period out of what is ready, or put one in, if the delay is by `excess` seconds too long."""
        if _SHORT_SECONDS <= excess <= _HIDDEN_SECONDS:
            return
        is_quiet = self._is_quiet()
        if excess < 0:
            stretched = lengthen(self._before, self._ready, self._rate)
            is_pressing = excess < _TOO_SHORT_SECONDS
        elif is_quiet or excess > _AUDIBLE_SECONDS:
            stretched = shorten(self._ready, self._rate)
            is_pressing = excess > _PRESSING_SECONDS
        else:
            return
        if is_quiet or is_pressing or stretched.likeness > _REPEATS:
            self._ready = stretched.samples
            self._fill()

    def _is_quiet(self) -> bool:
        loudest = int(np.abs(self._ready[: self._frame].astype(np.int32)).max())
        return loudest < max(_QUIET_LEVEL, _QUIET_SHARE * self._loudness)

    def _hand_out(self) -> Samples:
        frame, self._ready = self._ready[: self._frame], self._ready[self._frame :]
        self._before = frame
        if self._is_idle:
            return frame if frame.any() else silence(self._rate)
        self.counters.played += self._frame
        self._loudness = max(int(np.maximum.reduce(frame)), _LOUDNESS_KEPT * self._loudness)
        return frame
