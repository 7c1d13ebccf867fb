"""`StreamLeg`: a call whose audio comes and goes as messages of a media stream."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol

import trio

from voxrun.audio.fade import fade_from, fade_in
from voxrun.audio.frame import FRAME_MS, Samples, silence
from voxrun.audio.tones import Burst, Tone, render
from voxrun.media.host import UnitHost
from voxrun.media.line import (
    AudioCame,
    AudioResumed,
    AudioStopped,
    FarEndLeft,
    FrameCame,
    Line,
    LineNews,
    ToneCame,
)
from voxrun.media.playout import Playout
from voxrun.media.stream_inbox import StreamInbox
from voxrun.protocol.mediastream import news
from voxrun.protocol.mediastream.stream import MediaStream

STOPPED_TICKS = 7000 // FRAME_MS
"""No audio for so long is worth an event (VoxEngine's time for RTP)."""

REST_TICKS = 1000 // FRAME_MS
"""After so much silence none is sent: the far end's buffer, in which every hitch of the network stays, runs empty."""

MARK_TICKS = 1000 // FRAME_MS
"""How often the far end is asked what it has played."""

MOST_MARKS = 100
"""Marks that may be unanswered; a far end that answers none gets no more."""

DIGITS = "123A456B789C*0#D"
_ROWS, _COLUMNS = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)  # Hz (ITU-T Q.23)
_TONE_SECONDS, _PAUSE_SECONDS, _LONG_PAUSE_SECONDS = 0.1, 0.1, 2.0
_TONES_SECONDS = 60.0  # that may wait


class Connection(Protocol):
    """What carries the stream, there and back."""

    @property
    def dropped(self) -> int:
        """Messages that were not sent: too many waited already."""

    def send(self, message: str | bytes) -> None:
        """Send a message now or, after others, soon."""

    def close(self) -> None:
        """End it."""


class StreamLeg:
    """The leg of `stream`, which has started; `hear` is given its news.

    What the caller says before the call is answered is not kept.
    """

    def __init__(self, stream: MediaStream, connection: Connection) -> None:
        assert stream.started is not None
        self._stream = stream
        self._dialect = stream.dialect
        self._format = stream.started.format
        self._connection = connection
        self._send = connection.send
        self._inbox = StreamInbox(self._format.rate)
        self._silent_bytes = silence(self._format.rate).tobytes()
        self._tones = Playout(self._format.rate, _TONES_SECONDS)  # where the dialect has no message for them
        self._has_tone = False  # in the frame before
        self._sent = silence(self._format.rate)
        self._listener: Callable[[LineNews], None] = _ignore
        self._host: UnitHost | None = None
        self._has_left = False
        self._since_audio: int | None = None  # ticks; None before the first
        self._quiet_ticks = REST_TICKS
        self._since_mark = 0
        self._serial = count(1)
        self._marks: dict[str, float] = {}  # those not answered yet, and when they were sent
        self._behind: list[float] = []  # the least and the most of what answers took
        self._cleared = 0
        self.rate = self._format.rate

    @property
    def line(self) -> Line:
        """Itself: a stream has tones, and says when it ends."""
        return self

    def listen(self, receive: Callable[[LineNews], None]) -> None:
        """Have `receive` told what happens from now on."""
        self._listener = receive

    def send_digits(self, digits: str) -> None:
        """Send tones, as a message or as sound; `p` is a pause. ValueError for more sound than may wait."""
        message = self._dialect.digits(digits)
        if message is not None:
            self._send(message)
            return
        bursts = [burst for digit in digits for burst in _bursts(digit)]
        sizes = [round(burst.seconds * self.rate) for burst in bursts]
        if self._tones.size + sum(sizes) > _TONES_SECONDS * self.rate:
            waiting = self._tones.size / self.rate
            raise ValueError(
                f"no more than {_TONES_SECONDS:.0f} s of tones may wait: {waiting:.1f} s are still to be sent"
            )
        for burst, size in zip(bursts, sizes, strict=True):
            self._tones.put(render(burst, self.rate, 0, size))

    def clear(self) -> None:
        """Have the far end forget what it has not played yet."""
        message = self._dialect.clear()
        if message is not None and self._host is not None and not self._is_at_rest:
            self._cleared += 1
            self._marks.clear()  # they are answered now, and mean nothing
            self._send(message)

    def hang_up(self) -> None:
        """Say that this is the end, unless the far end did, and close the connection."""
        message = None if self._has_left else self._dialect.hang_up()
        if message is not None:
            self._send(message)
        self._connection.close()

    def hear(self, told: news.News) -> None:
        """What the stream tells."""
        match told:
            case news.Media():
                self._hear_audio(told.audio)
            case news.Backlog(waited):
                for audio in waited:
                    self._hear_audio(audio)
            case news.Tone(digit) if len(digit) == 1 and digit in DIGITS:
                self._listener(ToneCame(digit))
            case news.Played(name) if name in self._marks and self._host is not None:
                took = self._host.now() - self._marks.pop(name)
                self._behind = [min([took, *self._behind]), max([took, *self._behind])]
            case news.Stopped():
                self._leave()

    def _leave(self) -> None:
        """The far end is gone."""
        if not self._has_left:
            self._has_left = True
            self._listener(FarEndLeft())

    async def carry(self, host: UnitHost) -> None:
        """Nothing to do but to be there, until cancelled; hang up then."""
        self._host = host
        begin = self._dialect.begin()
        if begin is not None:
            self._send(begin)
        if self._has_left:
            self._listener(FarEndLeft())
        try:
            await trio.sleep_forever()
        finally:
            self.hang_up()
            self._trace_losses(host)

    def read(self) -> Samples:
        """The caller's next 20 ms."""
        if self._since_audio is not None:
            self._since_audio += 1
            if self._since_audio == STOPPED_TICKS:
                self._listener(AudioStopped())
        return self._inbox.take()

    def write(self, frame: Samples) -> None:
        """The next 20 ms for the caller, unless there has been nothing to hear for a while."""
        if self._host is None or self._has_left:
            return
        tone = self._tones.take(len(frame))
        if tone is not None or self._has_tone:
            frame = self._joint(frame, tone)
        self._sent = frame
        if frame.tobytes() != self._silent_bytes:  # twenty times as fast as any()
            self._quiet_ticks = 0
        elif self._is_at_rest:
            return
        else:
            self._quiet_ticks += 1
        self._send(self._dialect.media(self._format.encode(frame)))
        self._since_mark += 1
        if self._since_mark >= MARK_TICKS or self._quiet_ticks == 1:
            self._mark(self._host)

    def _joint(self, frame: Samples, tone: Samples | None) -> Samples:
        """The tone instead of the frame, which fades out and, behind the last tone, in again."""
        had_tone, self._has_tone = self._has_tone, tone is not None
        if tone is None:
            return fade_in(frame)
        return tone if had_tone else fade_from(int(self._sent[-1]), tone)

    @property
    def _is_at_rest(self) -> bool:
        return self._quiet_ticks >= REST_TICKS

    def _hear_audio(self, audio: bytes) -> None:
        if self._host is None:
            return
        self._inbox.put(self._format.decode(audio))
        since, self._since_audio = self._since_audio, 0
        if since is None:
            self._listener(AudioCame())
        elif since >= STOPPED_TICKS:
            self._listener(AudioResumed())
        while (frame := self._inbox.peek()) is not None:
            self._listener(FrameCame(frame))

    def _mark(self, host: UnitHost) -> None:
        """Ask for word of when all that was sent by now has been heard."""
        self._since_mark = 0
        name = f"voxrun-{next(self._serial)}"
        message = self._dialect.mark(name)
        if message is not None and len(self._marks) < MOST_MARKS:
            self._marks[name] = host.now()
            self._send(message)

    def _trace_losses(self, host: UnitHost) -> None:
        least, most = self._behind or (None, None)
        host.trace(
            "losses",
            of=f"the {self._dialect.name} stream",
            messages_not_sent=self._connection.dropped,
            messages_malformed=self._stream.malformed,
            messages_late=self._dialect.late,
            frames_concealed=self._inbox.concealed,
            frames_left_out=self._inbox.left_out,
            samples_too_many=self._inbox.dropped,
        )
        host.trace(
            "stream",
            of=self._dialect.name,
            times_cleared=self._cleared,
            least_ms_behind=least and round(least * 1000),
            most_ms_behind=most and round(most * 1000),
        )


def _bursts(digit: str) -> Sequence[Burst]:
    if digit == "p":
        return (Burst(_LONG_PAUSE_SECONDS),)
    row, column = divmod(DIGITS.index(digit), len(_COLUMNS))
    pair = (Tone(_ROWS[row], -9.0), Tone(_COLUMNS[column], -7.0))  # dBm0: the higher one is a little louder
    return Burst(_TONE_SECONDS, pair), Burst(_PAUSE_SECONDS)


def _ignore(told: LineNews) -> None:
    """Nobody listens yet."""
