"""What createAgentsClient takes and the seed lacks, and what the trace keeps of a conversation."""

from pathlib import Path

import pytest
import trio
from tests.agent_service import API_KEY, AgentService, Conversation
from tests.kit import ScriptedLeg, Setting, simulate, tone
from tests.providers.agent_play import SCENARIO, Play, greet

from voxrun import ElevenLabs
from voxrun.errors import ConfigurationError, RemoteError
from voxrun.protocol.elevenlabs.agents_server import ClientBroke
from voxrun.protocol.elevenlabs.agents_server_messages import (
    BODY_FIELDS,
    ClientToolCallData,
    ClientToolCallMessage,
)
from voxrun.providers.elevenlabs.endpoint import AgentAddress
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.server import Reply


def test_the_messages_that_the_seed_lacks_can_be_sent(play: Play) -> None:
    _, service, _ = play(
        greet,
        """
        agent.userActivity()
        agent.feedback({"event_id": 1, "score": "like"})
        agent.multimodalMessage({"text": {"type": "user_message", "text": "look"}})
        agent.mcpToolApprovalResult({"tool_call_id": "m1", "is_approved": True})
        """,
    )
    kinds = [message["type"] for message in service.conversations[0].sent_by_client[1:]]
    assert kinds == ["user_activity", "feedback", "multimodal_message", "mcp_tool_approval_result"]
    assert not any(isinstance(event, ClientBroke) for event in service.conversations[0].events)


def test_a_tool_call_that_nobody_answers_is_named_after_a_while(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.send(ClientToolCallMessage(ClientToolCallData("opening_hours", "call_1", {}, 1)))
        conversation.send(ClientToolCallMessage(ClientToolCallData("answered", "call_2", {}, 1)))
        await trio.sleep_forever()

    body = """
    @agent.on(AgentsEvents.ClientToolCall)
    def run(e):
        if e.data.client_tool_call.tool_name == "answered":
            agent.clientToolResult({"tool_call_id": e.data.client_tool_call.tool_call_id, "result": "yes"})
    import trio
    await trio.sleep(12)
    """
    ran, _, _ = play(script, body)
    (warning,) = ran.of_kind("warning")
    assert "'opening_hours' for 10 s" in warning["message"]


def test_what_a_message_says_can_be_keyword_arguments(play: Play) -> None:
    ran, service, _ = play(
        greet,
        """
        agent.contextualUpdate(text="It is raining.")
        agent.feedback({"event_id": 1, "score": "dislike"}, score="like")
        VoxEngine.createConference().add(call=call)
        """,
    )
    assert ran.outcome.error is None
    assert service.conversations[0].sent_by_client[1:] == [
        {"type": "contextual_update", "text": "It is raining."},
        {"type": "feedback", "event_id": 1, "score": "like"},
    ]


def test_a_tool_result_that_is_too_large_is_told_to_be_lost(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.send(ClientToolCallMessage(ClientToolCallData("menu", "c1", {}, 1)))
        await trio.sleep_forever()

    body = """
    agent.addEventListener(AgentsEvents.ClientToolCall, lambda e: agent.clientToolResult(
        {"tool_call_id": "c1", "result": "x" * 5_000_000}))
    """
    ran, service, _ = play(script, body)
    [warning] = ran.of_kind("warning")
    assert "agent-1 can't take that: too much waits to be sent, and this is lost" in warning["message"]
    assert [message["type"] for message in service.conversations[0].sent_by_client] == [
        "conversation_initiation_client_data"
    ]


def test_privacy_keeps_all_content_out_of_the_trace(tmp_path: Path) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        conversation.speak(1, tone(16_000, 0.5), text="my diagnosis")
        await trio.sleep_forever()

    path = tmp_path / "scenario.py"
    path.write_text((SCENARIO % '    agent.userMessage({"text": "my question"})').replace('agentId="a",', PRIVATE))
    service = AgentService(script)
    ran = simulate(path, Setting(leg=ScriptedLeg(), secrets={"KEY": API_KEY}, background=service.start))
    assert "ElevenLabs.Agents.AgentResponse" in ran.events
    assert "my diagnosis" not in str(ran.records)
    assert "my question" not in str(ran.records)
    (statistics,) = ran.of_kind("statistics")
    assert statistics["messages_out"] == len(service.conversations[0].raw)


PRIVATE = 'agentId="a", privacy=True, statistics=True,'


def test_trace_keeps_every_frame(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text((SCENARIO % "").replace('agentId="a",', 'agentId="a", trace=True,'))
    service = AgentService(greet)
    ran = simulate(path, Setting(leg=ScriptedLeg(), secrets={"KEY": API_KEY}, background=service.start))
    sent = [record["text"] for record in ran.of_kind("wire") if record["type"] == "sent"]
    assert sent == [text for _, text in service.conversations[0].raw]


def test_the_end_of_a_session_closes_the_connection_in_order(play: Play) -> None:
    _, service, _ = play(greet)
    assert service.conversations[0].closed is not None
    assert service.conversations[0].closed.code == 1000


def test_a_refused_websocket_tells_its_response(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text((SCENARIO % "").replace('agentId="a",', 'agentId="a", baseUrl="ws://agent.test/refused",'))
    ran = simulate(path, Setting(leg=ScriptedLeg(), secrets={"KEY": API_KEY}, background=AgentService(greet).start))
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == 404
    (response,) = (r for r in ran.of_kind("event") if r["name"] == "ElevenLabs.Agents.HTTPResponse")
    assert response["payload"]["data"]["code"] == 404


def test_no_base_url_is_the_usual_one(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text((SCENARIO % "").replace('agentId="a",', 'agentId="a", baseUrl=None,'))
    ran = simulate(path, Setting(leg=ScriptedLeg(), secrets={"KEY": API_KEY}, background=AgentService(greet).start))
    assert ran.outcome.error is None


@pytest.mark.parametrize("base", ["ada:s3cret@agent.test", "http://agent.test/elsewhere?key=s3cret"])
def test_a_base_url_is_told_without_what_may_be_secret(base: str) -> None:
    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            await AgentService(greet, refusal=Reply(200, b"no JSON")).start(network, nursery)
            with pytest.raises((ConfigurationError, RemoteError), match=r"agent\.test") as caught:
                await AgentAddress(agent_id="a", api_key=API_KEY, base_url=base).resolve(network)
            nursery.cancel_scope.cancel()
        assert "s3cret" not in str(caught.value)

    trio.run(main)


@pytest.mark.parametrize("base", ["http://[::1", "HTTP://agent.test:port", "agent.test", "[agent.test"])
def test_a_base_url_that_is_none_is_told(base: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is (no|not a) .*address"):
        trio.run(AgentAddress(agent_id="a", api_key=API_KEY, base_url=base).resolve, MemoryNetwork())


def test_the_old_names_are_the_same_things() -> None:
    assert ElevenLabs.createConversationalAIClient is ElevenLabs.createAgentsClient
    assert ElevenLabs.ConversationalAIEvents is ElevenLabs.AgentsEvents


@pytest.mark.parametrize("tag", sorted(set(BODY_FIELDS) - {"audio"}))
def test_every_message_of_the_contract_has_its_own_event(tag: str) -> None:
    name = "".join(word.capitalize() for word in tag.split("_"))
    assert getattr(ElevenLabs.AgentsEvents, name) == f"ElevenLabs.Agents.{name}"
