"""Spans of a real session in virtual time, as OpenTelemetry's own SDK gets them."""

from pathlib import Path

import pytest
import trio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.agent_service import HOST, AgentService
from tests.kit import in_virtual_time
from tests.serving.hosted import hosted, written
from tests.serving.test_metrics import ANSWERS, call_and_hang_up, converse

from voxrun.serving.turn_spans import TurnSpans
from voxrun.transports.network import MemoryNetwork


def seconds(span: ReadableSpan) -> float:
    """How long it is."""
    assert span.start_time
    assert span.end_time
    return (span.end_time - span.start_time) / 1e9


def test_a_session_its_turn_and_its_interruption_are_spans(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            await AgentService(converse).start(network, nursery)
            scenario = written(tmp_path, "scenario.py", ANSWERS)
            async with hosted(scenario, network=network, agent=f"http://{HOST}") as host:
                TurnSpans(host, provider.get_tracer("test"))
                await call_and_hang_up(host)
            nursery.cancel_scope.cancel()

    in_virtual_time(main)
    turn, interruption, session = exporter.get_finished_spans()
    assert [turn.name, interruption.name, session.name] == ["turn", "interruption", "session"]
    assert seconds(turn) == pytest.approx(0.7, abs=0.06)
    assert seconds(interruption) <= 0.06
    assert seconds(session) == pytest.approx(14.0, abs=0.1)
    assert turn.start_time
    assert session.start_time
    assert (turn.start_time - session.start_time) / 1e9 == pytest.approx(3.0, abs=0.05)
    assert turn.parent
    assert session.context
    assert turn.parent.span_id == session.context.span_id
    assert session.status.description == "RemoteError"
    assert session.attributes
    assert session.attributes["voxrun.scenario"] == "scenario.py"
