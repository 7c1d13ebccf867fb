"""`TurnSpans`: OpenTelemetry spans of the sessions and their turns, for whoever has set its SDK up in this process."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from voxrun.events.elevenlabs import AgentsEvents
from voxrun.serving.host import Host
from voxrun.serving.routes import name_of
from voxrun.serving.running import Running
from voxrun.serving.turn_watch import BargeIn, TurnWatch
from voxrun.trace.turns import Turn


class TurnSpans:
    """A span for each session, and in it one for each turn, from the end of the caller's speech to the answer.

    Each interruption is a span as well, as long as the caller still heard the agent.
    """

    def __init__(self, host: Host, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or trace.get_tracer("voxrun")
        self._sessions: dict[str, tuple[Span, TurnWatch]] = {}
        host.observers.append(self)

    def began(self, running: Running) -> None:
        """Begin the session's span."""
        about = {"voxrun.session": running.id, "voxrun.scenario": name_of(running.scenario)}
        span = self._tracer.start_span("session", attributes=about, start_time=_nanoseconds(running, 0.0))
        watch = TurnWatch()
        self._sessions[running.id] = span, watch
        running.session.trace_log.observe(partial(self._note, running, span, watch))

    def ended(self, running: Running) -> None:
        """End it."""
        span, watch = self._sessions.pop(running.id)
        self._put(running, span, watch.finish())
        error = running.outcome and running.outcome.error
        if error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        span.end(_nanoseconds(running, running.session.now()))

    def _note(self, running: Running, parent: Span, watch: TurnWatch, record: Mapping[str, Any]) -> None:
        if record["kind"] == "event" and record["name"] == AgentsEvents.Interruption:
            watch.interrupt(record["t"])
        if record["kind"] == "level":
            self._put(running, parent, watch.take(record["began"], record["said"], record["heard"]))

    def _put(self, running: Running, parent: Span, found: Iterator[Turn | BargeIn]) -> None:
        within = trace.set_span_in_context(parent)
        for one in found:
            if isinstance(one, Turn):
                assert one.caller
                name, begin, seconds = "turn", one.caller.end, one.timeToAnswer
            else:
                name, begin, seconds = "interruption", one.time, one.seconds
            span = self._tracer.start_span(name, context=within, start_time=_nanoseconds(running, begin))
            span.end(_nanoseconds(running, begin + seconds))


def _nanoseconds(running: Running, time: float) -> int:
    """A time of the session's as nanoseconds since 1970."""
    return round((running.began.timestamp() + time) * 1e9)
