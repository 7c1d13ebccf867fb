"""`Metrics`: what a host and its sessions do, as figures for Prometheus.

All of it comes from counters that are kept anyway and from the records of the sessions' traces: a frame costs nothing.
Counters and histograms can be summed over processes; gauges can't, and are told one by one.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from voxrun.events.elevenlabs import AgentsEvents
from voxrun.media.call import CallState
from voxrun.serving.host import Host
from voxrun.serving.running import Running
from voxrun.serving.turn_watch import BargeIn, TurnWatch
from voxrun.trace.story import lost_in
from voxrun.trace.turns import Turn

TURN_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds. People notice from about 0.3 on and give up after some."""

BARGE_IN_BOUNDS = (0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
"""Seconds. A frame is 0.02."""

LATENESS_BOUNDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.04)
"""Seconds. From 0.02 on a tick counts as late."""

_LAST_CODE = 4999
"""Of WebSocket close codes (RFC 6455 section 7.4.2)."""

_UNIT = re.compile(r"([a-z_]+)-\d+|the [a-z0-9]+ (stream)")


class _Histogram:
    """Counts by upper bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self, name: str, documentation: str) -> Metric:
        return _histogram(name, documentation, self._bounds, list(accumulate(self._counts)), self._sum)


class Metrics(Collector):
    """Watches the sessions that its host begins from now on."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._turns = _Histogram(TURN_BOUNDS)
        self._barge_ins = _Histogram(BARGE_IN_BOUNDS)
        self._lost: Counter[tuple[str, ...]] = Counter()
        self._failures: Counter[str] = Counter()
        self._connects = 0
        self._watches: dict[str, TurnWatch] = {}
        host.observers.append(self)

    def text(self) -> str:
        """All figures in Prometheus's text format."""
        return generate_latest(self).decode()

    def began(self, running: Running) -> None:
        """Watch a session that begins now."""
        watch = self._watches[running.id] = TurnWatch()
        running.session.trace_log.observe(partial(self._note, watch))

    def ended(self, running: Running) -> None:
        """The host counts it; here is counted what its last moment held."""
        self._observe(self._watches.pop(running.id).finish())

    def collect(self) -> Iterable[Metric]:
        """All figures as they are now."""
        yield from self._of_host()
        yield from self._of_clock()
        yield _counters("voxrun_lost", "What was lost, by the kind of unit that lost it", ("unit", "what"), self._lost)
        yield CounterMetricFamily("voxrun_agent_connects", "Connections to agents that came about", self._connects)
        yield _counters(
            "voxrun_agent_failures",
            "Connections to agents that were refused or broke, by HTTP status or WebSocket close code",
            ("code",),
            _by_one(self._failures),
        )
        yield self._turns.family(
            "voxrun_turn_latency_seconds", "From the end of the caller's speech to the first sound of the answer"
        )
        yield self._barge_ins.family(
            "voxrun_barge_in_seconds", "From the caller's breaking in to the agent's silence, as the caller hears it"
        )

    def _of_host(self) -> Iterator[Metric]:
        counters, running = self._host.counters, self._host.sessions.values()
        talking = [it for it in running if it.session.call and it.session.call.state() == CallState.CONNECTED]
        yield GaugeMetricFamily("voxrun_sessions", "Sessions that run", len(running))
        yield GaugeMetricFamily("voxrun_calls_connected", "Calls that are answered", len(talking))
        yield _counters("voxrun_calls", "Calls that began", ("dialect",), _by_one(counters.calls))
        yield _counters("voxrun_sessions_ended", "Sessions that ended", ("outcome",), _by_one(counters.sessions))
        yield _counters("voxrun_refusals", "Connections and requests refused", ("reason",), _by_one(counters.refusals))
        yield CounterMetricFamily(
            "voxrun_malformed_messages", "Messages of media streams that say nothing", counters.malformed
        )

    def _of_clock(self) -> Iterator[Metric]:
        ticker, load = self._host.ticker, self._host.load
        counts = ticker.lateness_counts(LATENESS_BOUNDS)
        yield _histogram("voxrun_tick_lateness_seconds", "How late the media clock was", LATENESS_BOUNDS, counts, None)
        yield CounterMetricFamily("voxrun_late_ticks", "Ticks that began more than one tick late", ticker.late)
        yield CounterMetricFamily("voxrun_skipped_ticks", "Ticks that never ran", ticker.skipped)
        yield GaugeMetricFamily("voxrun_loop_lag_seconds", "How long work that is ready waits for its turn", load.lag)

    def _note(self, watch: TurnWatch, record: Mapping[str, Any]) -> None:
        match record["kind"]:
            case "level":
                self._observe(watch.take(record["began"], record["said"], record["heard"]))
            case "losses":
                named = _UNIT.fullmatch(record["of"])
                unit = named[1] or named[2] if named else "other"
                for what, count in lost_in(record).items():
                    self._lost[unit, what] += count
            case "event":
                self._note_event(watch, record)

    def _observe(self, found: Iterator[Turn | BargeIn]) -> None:
        for one in found:
            if isinstance(one, Turn):
                self._turns.observe(one.timeToAnswer)
            else:
                self._barge_ins.observe(one.seconds)

    def _note_event(self, watch: TurnWatch, record: Mapping[str, Any]) -> None:
        name = record["name"]
        if name == AgentsEvents.Interruption:
            watch.interrupt(record["t"])
        elif name == AgentsEvents.ConnectorInformation:
            self._connects += 1
        elif name == AgentsEvents.WebSocketError or (name == AgentsEvents.HTTPResponse and _code(record) >= 300):
            self._failures[str(_code(record))] += 1


def _code(record: Mapping[str, Any]) -> int:
    """0 where none is known: the payload is private, or an agent made the message up."""
    payload = record["payload"]
    code = None if payload is None else payload.data.get("code")
    return code if isinstance(code, int) and 0 < code <= _LAST_CODE else 0


def _by_one(counts: Counter[str]) -> dict[tuple[str, ...], int]:
    return {(label,): count for label, count in counts.items()}


def _counters(
    name: str, documentation: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _histogram(
    name: str, documentation: str, bounds: tuple[float, ...], up_to: list[int], total: float | None
) -> HistogramMetricFamily:
    """`up_to` has how many values were at most each bound, and how many there were at all; `total` is their sum."""
    edges = [*(str(bound) for bound in bounds), "+Inf"]
    return HistogramMetricFamily(name, documentation, buckets=list(zip(edges, up_to, strict=True)), sum_value=total)
