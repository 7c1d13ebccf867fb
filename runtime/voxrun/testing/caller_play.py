"""`CallerPlay`: the caller's timeline, moved on frame by frame; it has no clock or task of its own."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.audio.mix import mix
from voxrun.testing.caller import CallerAction, HangUp, Say
from voxrun.testing.ear import Ear
from voxrun.testing.moments import After, At, Moment, Step, event
from voxrun.testing.news import EARLY_SECONDS, Mark, News
from voxrun.testing.sounds import Render
from voxrun.testing.track import Track

PAUSE_SECONDS = 0.3
"""Who is silent for so long has stopped."""

_ALERTING, _CONNECTED = event("Application.CallAlerting"), event("Call.Connected")


class CallerPlay:
    """Says what the steps say, keeps what is said and heard. `act` presses keys and hangs up."""

    def __init__(
        self,
        steps: Sequence[Step[CallerAction]],
        rate: int,
        news: News,
        render: Render,
        act: Callable[[CallerAction], None],
    ) -> None:
        self.pending = list(steps)
        """Steps whose moment has not come."""
        self.has_left = False
        """Whether they hung up themselves."""
        self._rate = rate
        self._size = frame_size(rate)
        self._silence = silence(rate)
        self._news = news
        self._render = render
        self._act = act
        self._mark: Mark = news.beginning  # cues count from here on for the next step,
        self._since = 0.0  # which is when the step above was done
        self._is_marking = False  # when what is being said has been said
        self._speech: Samples | None = None
        self._spoken = 0
        self._speech_ends = 0.0
        self._said = _Tape(rate)
        self._heard = _Tape(rate)
        self._ear = Ear(
            rate,
            PAUSE_SECONDS,
            lambda begin: news.tell("agentStarts", time=begin),
            lambda end: news.tell("agentStops", time=end),
        )

    @property
    def said(self) -> Track:
        """All that was said, from the connection on."""
        return self._said.track

    @property
    def heard(self) -> Track:
        """All that was heard, from the connection on."""
        return self._heard.track

    @property
    def awaited(self) -> Step[CallerAction] | None:
        """The step whose cue has not come, those above it being done; who is to hang up then need not any more."""
        if not self.pending or self._is_marking or isinstance(self.pending[0].action, HangUp):
            return None
        return self.pending[0] if self._news.lacks(self.pending[0].moment, self._mark) else None

    @property
    def too_late(self) -> Step[CallerAction] | None:
        """What was still to be done when they hung up themselves; to do that again would do no harm."""
        later = (step for step in self.pending if not isinstance(step.action, HangUp))
        return next(later, None) if self.has_left else None

    async def give_up(self) -> None:
        """Hang up when that is due and it still rings; until the answer nobody asks for what else is due."""
        await self._news.come(After(_ALERTING, 0.0), self._news.beginning)
        for index, step in enumerate(self.pending):
            if isinstance(step.action, HangUp) and (index == 0 or isinstance(step.moment, At)):
                await self._news.come(step.moment, self._mark)
                if step in self.pending and self._news.time_of(_CONNECTED, self._news.beginning) is None:
                    self.pending.remove(step)
                    self._do(step.action, self._news.now())
                return

    def say(self) -> Samples:
        """The next 20 ms of the caller's, after what is due now was done."""
        now = self._news.now()
        self._fall_silent(now)
        self._do_what_is_due(now)
        frame = self._next_frame()
        self._said.put(frame, now)
        return frame

    def hear(self, frame: Samples) -> None:
        """20 ms for the caller; what comes at the same time is heard together."""
        now = self._news.now()
        self._heard.put(frame, now)
        self._ear.hear(frame, now)

    def _fall_silent(self, now: float) -> None:
        if self._speech is not None and self._spoken >= len(self._speech):
            self._speech = None
            if self._is_marking:
                self._is_marking = False
                self._mark, self._since = self._news.mark(), now  # its end is a cue for what follows
            self._news.tell("callerStops", time=self._speech_ends)

    def _do_what_is_due(self, now: float) -> None:
        while (index := self._due(now)) is not None:
            step = self.pending.pop(index)
            if index == 0:
                self._mark, self._since = self._news.mark(), now
            self._is_marking = (index == 0 and isinstance(step.action, Say)) or (
                self._is_marking and not isinstance(step.action, Say)
            )
            self._do(step.action, now)

    def _due(self, now: float) -> int | None:
        times = (self._time_of(index, step.moment) for index, step in enumerate(self.pending))
        return next((index for index, time in enumerate(times) if time - EARLY_SECONDS <= now), None)

    def _time_of(self, index: int, moment: Moment) -> float:
        """When a step is to be done: infinity as long as that isn't known."""
        if isinstance(moment, At):
            return moment.seconds
        if index or self._is_marking:
            return math.inf
        came = self._since if moment.cue.kind == "previous" else self._news.time_of(moment.cue, self._mark)
        return math.inf if came is None else came + moment.seconds

    def _do(self, action: CallerAction, now: float) -> None:
        if not isinstance(action, Say):
            self.has_left = self.has_left or isinstance(action, HangUp)
            self._act(action)
            return
        if self._speech is not None:
            self._news.tell("callerStops")
        self._speech = self._render(action.sound, self._rate)
        self._spoken = 0
        self._speech_ends = now + len(self._speech) / self._rate
        self._news.tell("callerStarts")

    def _next_frame(self) -> Samples:
        if self._speech is None:
            return self._silence
        frame = self._speech[self._spoken : self._spoken + self._size]
        self._spoken += self._size
        missing = self._size - len(frame)
        return np.concatenate([frame, self._silence[:missing]]) if missing else frame


class _Tape:
    """Frames one after another, with silence where none came."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frames: list[Samples] = []
        self._began = 0.0

    @property
    def track(self) -> Track:
        """All of it, from the first on."""
        samples = np.concatenate(self._frames) if self._frames else np.zeros(0, np.int16)
        return Track(samples, self._rate, round(self._began, 6))

    def put(self, frame: Samples, now: float) -> None:
        """One more, or a further one of the same time."""
        if not self._frames:
            self._began = now
        place = round((now - self._began) / FRAME_SECONDS)
        self._frames += [silence(self._rate)] * (place - len(self._frames))
        if place == len(self._frames):
            self._frames.append(frame)
        else:
            self._frames[place] = mix([self._frames[place], frame])
