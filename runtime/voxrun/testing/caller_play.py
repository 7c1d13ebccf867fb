"""`CallerPlay`: the caller's timeline, moved on frame by frame; it has no clock or task of its own."""

import math
from collections.abc import Callable

import numpy as np

from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.testing.caller import Caller, CallerAction, HangUp, Say
from voxrun.testing.ear import Ear
from voxrun.testing.moments import After, At, Moment, event
from voxrun.testing.news import EARLY_SECONDS, Mark, News
from voxrun.testing.sounds import Render
from voxrun.testing.track import Track

PAUSE_SECONDS = 0.3
"""Who is silent for so long has stopped."""

_ALERTING, _CONNECTED = event("Application.CallAlerting"), event("Call.Connected")


class CallerPlay:
    """Says what the steps say, keeps what is said and heard. `act` presses keys and hangs up."""

    def __init__(
        self, caller: Caller, rate: int, news: News, render: Render, act: Callable[[CallerAction], None]
    ) -> None:
        self.pending = list(caller.steps)
        """Steps whose moment has not come."""
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
        self._said: list[Samples] = []
        self._heard: list[Samples] = []
        self._began: float | None = None
        self._ear = Ear(
            rate,
            PAUSE_SECONDS,
            lambda begin: news.tell("agentStarts", time=begin),
            lambda end: news.tell("agentStops", time=end),
        )

    @property
    def said(self) -> Track:
        """All that was said, from the connection on."""
        return self._track(self._said)

    @property
    def heard(self) -> Track:
        """All that was heard, from the connection on."""
        return self._track(self._heard)

    async def give_up(self) -> None:
        """Hang up when that is due and it still rings; until the answer nobody asks for what else is due."""
        await self._news.come(After(_ALERTING, 0.0), self._news.beginning)
        for index, step in enumerate(self.pending):
            if isinstance(step.action, HangUp) and (index == 0 or isinstance(step.moment, At)):
                await self._news.come(step.moment, self._mark)
                if self._news.time_of(_CONNECTED, self._news.beginning) is None:
                    self.pending.remove(step)
                    self._act(step.action)
                return

    def say(self) -> Samples:
        """The next 20 ms of the caller's, after what is due now was done."""
        now = self._news.now()
        if self._began is None:
            self._began = now
        self._fall_silent(now)
        self._do_what_is_due(now)
        frame = self._next_frame()
        self._said.append(frame)
        return frame

    def hear(self, frame: Samples) -> None:
        """20 ms for the caller."""
        self._heard.append(frame)
        self._ear.hear(frame, self._news.now())

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

    def _track(self, frames: list[Samples]) -> Track:
        samples = np.concatenate(frames) if frames else np.zeros(0, np.int16)
        return Track(samples, self._rate, round(self._began or 0.0, 6))
