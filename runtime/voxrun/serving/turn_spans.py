"""`TurnSpans`: OpenTelemetry spans of the sessions and their turns, for whoever has set its SDK up in this process."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from voxrun.events.elevenlabs import AgentsEvents
from voxrun.serving.host import Host
from voxrun.serving.routes import name_of
from voxrun.serving.running import Running
from voxrun.serving.turn_watch import TurnWatch
from voxrun.trace.turns import Turn


class TurnSpans:
    """A span for each session, and in it one for each turn, from the end of the caller's speech to the answer.

    Each interruption is a span as well, as long as the caller still heard the agent.
    """

    def __init__(self, host: Host, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or trace.get_tracer("voxrun")
        self._sessions: dict[str, Span] = {}
        host.observers.append(self)

    def began(self, running: Running) -> None:
        """Begin the session's span."""
        about = {"voxrun.session": running.id, "voxrun.scenario": name_of(running.scenario)}
        span = self._tracer.start_span("session", attributes=about, start_time=_nanoseconds(running, 0.0))
        self._sessions[running.id] = span
        running.session.trace_log.observe(partial(self._note, running, span, TurnWatch()))

    def ended(self, running: Running) -> None:
        """End it."""
        span = self._sessions.pop(running.id)
        error = running.outcome and running.outcome.error
        if error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        span.end(_nanoseconds(running, running.session.now()))

    def _note(self, running: Running, parent: Span, watch: TurnWatch, record: Mapping[str, Any]) -> None:
        if record["kind"] == "event" and record["name"] == AgentsEvents.Interruption:
            watch.interrupt(record["t"])
        if record["kind"] != "level":
            return
        within = trace.set_span_in_context(parent)
        for found in watch.take(record["began"], record["said"], record["heard"]):
            if isinstance(found, Turn):
                assert found.caller
                name, begin, seconds = "turn", found.caller.end, found.timeToAnswer
            else:
                name, begin, seconds = "interruption", found.time, found.seconds
            span = self._tracer.start_span(name, context=within, start_time=_nanoseconds(running, begin))
            span.end(_nanoseconds(running, begin + seconds))


def _nanoseconds(running: Running, time: float) -> int:
    """A time of the session's as nanoseconds since 1970."""
    return round((running.began.timestamp() + time) * 1e9)
