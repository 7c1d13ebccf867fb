"""Figures of real sessions in virtual time, read by Prometheus's own parser; and the dashboard that asks for them."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families
from tests.agent_service import API_KEY, HOST, AgentService, Conversation
from tests.kit import ScriptedLeg, in_virtual_time, tone
from tests.serving.hosted import hosted, written

from voxrun import serving
from voxrun.media.leg import Party
from voxrun.serving.desk import Refused
from voxrun.serving.host import Host
from voxrun.serving.metrics import Metrics
from voxrun.serving.supervisor import Supervisor
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.server import Reply

ANSWERS = f"""
@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    call.answer()
    agent = await ElevenLabs.createAgentsClient(xiApiKey="{API_KEY}", agentId="a", onWebSocketClose=lambda e: None)
    agent.addEventListener(ElevenLabs.AgentsEvents.Interruption, lambda e: agent.clearMediaBuffer())
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    VoxEngine.sendMediaBetween(call, agent)
"""
RATE = 16_000
SAYS = np.concatenate(
    [np.zeros(RATE, np.int16), tone(RATE, 2.0, 300.0), np.zeros(2 * RATE, np.int16), tone(RATE, 1.0, 300.0)]
)
"""Speaks from 1 to 3 s, and from 5 to 6 s, into the agent's words."""


async def converse(conversation: Conversation) -> None:
    """Answers 700 ms after the caller has ended, is interrupted, and vanishes."""
    conversation.greet()
    await trio.sleep_until(3.7)
    conversation.speak(1, tone(RATE, 4.0, 500.0))
    await trio.sleep_until(5.2)
    conversation.interrupt(1)
    await trio.sleep_until(12)
    conversation.socket.close(1011, "enough")


def figures(text: str) -> dict[str, float]:
    """Samples by name, labels in braces."""
    return {
        f"{sample.name}{{{','.join(sample.labels.values())}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def measure(
    folder: Path,
    script: str,
    service: AgentService,
    act: Callable[[Host], Awaitable[None]],
    max_calls: int = 100,
    agent: str = f"http://{HOST}",
) -> dict[str, float]:
    """The figures after `act`, in virtual time."""
    texts: list[str] = []

    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            await service.start(network, nursery)
            scenario = written(folder, "scenario.py", script)
            async with hosted(scenario, network=network, agent=agent, max_calls=max_calls) as host:
                metrics = Metrics(host)
                await act(host)
                texts.append(metrics.text())
            nursery.cancel_scope.cancel()

    in_virtual_time(main)
    return figures(texts[0])


async def call_and_hang_up(host: Host, *, after: float = 14.0) -> None:
    """One call to its end."""
    (scenario,) = host.settings.routes.scenarios
    running = host.begin(scenario, leg=ScriptedLeg(RATE, SAYS), party=Party(), dialect="twilio")
    await trio.sleep_until(after)
    if running.session.call is not None:
        running.session.call.hangup()
    await running.over.wait()


def test_a_call_with_a_turn_an_interruption_and_a_broken_agent(tmp_path: Path) -> None:
    told = measure(tmp_path, ANSWERS, AgentService(converse), call_and_hang_up)
    assert told["voxrun_calls_total{twilio}"] == 1
    assert told["voxrun_sessions{}"] == told["voxrun_calls_connected{}"] == 0
    assert told["voxrun_sessions_ended_total{RemoteError}"] == 1
    assert told["voxrun_agent_connects_total{}"] == 1
    assert told["voxrun_agent_failures_total{1011}"] == 1
    assert told["voxrun_turn_latency_seconds_count{}"] == 1
    assert told["voxrun_turn_latency_seconds_sum{}"] == pytest.approx(0.7, abs=0.06)
    assert told["voxrun_barge_in_seconds_count{}"] == 1
    assert told["voxrun_barge_in_seconds_bucket{0.06}"] == 1
    assert told["voxrun_lost_total{agent,samples_too_many}"] == 0
    assert (
        told["voxrun_tick_lateness_seconds_bucket{0.0005}"] == told["voxrun_tick_lateness_seconds_bucket{+Inf}"] > 500
    )


def test_a_turn_that_is_answered_just_before_the_end_counts(tmp_path: Path) -> None:
    told = measure(tmp_path, ANSWERS, AgentService(converse), partial(call_and_hang_up, after=3.9))
    assert told["voxrun_turn_latency_seconds_count{}"] == 1
    assert told["voxrun_turn_latency_seconds_sum{}"] == pytest.approx(0.7, abs=0.06)


def test_a_refused_agent_is_counted_by_its_status(tmp_path: Path) -> None:
    service = AgentService(converse, refusal=Reply(401, b"{}"))
    told = measure(tmp_path, ANSWERS, service, partial(call_and_hang_up, after=2.0))
    assert told["voxrun_agent_failures_total{401}"] == 1
    assert told["voxrun_agent_connects_total{}"] == 0


def test_an_agent_that_is_not_there_is_counted(tmp_path: Path) -> None:
    told = measure(
        tmp_path, ANSWERS, AgentService(converse), partial(call_and_hang_up, after=2.0), agent="http://no.test"
    )
    assert told["voxrun_agent_failures_total{1006}"] == 1


def test_refusals_and_running_sessions(tmp_path: Path) -> None:
    async def act(host: Host) -> None:
        (scenario,) = host.settings.routes.scenarios
        host.begin(scenario, leg=ScriptedLeg(RATE), party=Party(), dialect="l16")
        await trio.sleep(1)
        with pytest.raises(Refused):
            host.begin(scenario)

    told = measure(tmp_path, "AppEvents.CallAlerting\n", AgentService(converse), act, max_calls=1)
    assert told["voxrun_sessions{}"] == 1
    assert told["voxrun_refusals_total{busy}"] == 1
    assert told["voxrun_malformed_messages_total{}"] == 0


def test_losses_are_told_by_the_kind_of_unit_and_names_from_outside_by_none(tmp_path: Path) -> None:
    async def act(host: Host) -> None:
        running = host.begin(host.settings.routes.scenarios[0], leg=ScriptedLeg(RATE), party=Party(), dialect="l16")
        for name in ("conference-3", "the twilio stream", "the l16 stream", "records/stream", "the caller's file"):
            running.session.trace("losses", of=name, frames_lost=2)

    told = measure(tmp_path, "AppEvents.CallAlerting\n", AgentService(converse), act)
    lost = {name: count for name, count in told.items() if "frames_lost" in name}
    assert lost == {
        "voxrun_lost_total{conference,frames_lost}": 2,
        "voxrun_lost_total{stream,frames_lost}": 4,
        "voxrun_lost_total{other,frames_lost}": 4,
    }


def test_what_is_counted_as_lost_never_falls(tmp_path: Path) -> None:
    """Of RTP packets, more may come than were sent, and a peer may say what it likes."""

    async def act(host: Host) -> None:
        running = host.begin(host.settings.routes.scenarios[0], leg=ScriptedLeg(RATE), party=Party(), dialect="l16")
        for lost in (3, -2):
            running.session.trace("losses", of="RTP at 127.0.0.1:4000", packets_lost=lost, packets_received=50)

    told = measure(tmp_path, "AppEvents.CallAlerting\n", AgentService(converse), act)
    packets = {name: count for name, count in told.items() if "packets" in name}
    assert packets == {"voxrun_lost_total{other,packets_lost}": 3}


def test_the_dashboard_asks_only_for_what_there_is(tmp_path: Path) -> None:
    told = measure(tmp_path, ANSWERS, AgentService(converse), call_and_hang_up)
    supervised = figures(trio.run(Supervisor(0, (), 0.0, print, lambda: None).metrics))
    there = {name.partition("{")[0] for name in (*told, *supervised)} | {"voxrun_refusals_total"}
    board = json.loads(files(serving).joinpath("grafana.json").read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"voxrun_\w+", target["expr"])
    }
    assert asked <= there
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in there} == {
        re.sub("_(bucket|count|sum)$", "", name) for name in asked
    }
