"""Both machines talking to each other, with no socket between them."""

from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.elevenlabs.agents_client import (
    AgentsClientProtocol,
    AudioReceived,
    Initiated,
    MessageReceived,
    SendNow,
    State,
)
from voxrun.protocol.elevenlabs.agents_server import (
    AgentsServerProtocol,
    ContextualUpdateReceived,
    ConversationInitiated,
    FeedbackReceived,
    McpApprovalReceived,
    MultimodalMessageReceived,
    PongReceived,
    ServiceEvent,
    ToolResultReceived,
    UserActivityReceived,
    UserAudio,
    UserMessageReceived,
)
from voxrun.protocol.elevenlabs.agents_server_messages import (
    ClientToolCallData,
    ClientToolCallMessage,
    ConversationMetadata,
    ConversationMetadataData,
    Interruption,
    InterruptionData,
    Ping,
    PingData,
)
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat


def hear(server: AgentsServerProtocol, frames: list[str]) -> list[ServiceEvent]:
    return [event for frame in frames for event in server.receive(frame)]


def connected(
    output: str = "pcm_16000", input_: str = "pcm_16000"
) -> tuple[AgentsClientProtocol, AgentsServerProtocol]:
    client, server = AgentsClientProtocol(), AgentsServerProtocol()
    (initiated,) = hear(server, client.initiate({"dynamic_variables": {"name": "Ada"}}))
    assert isinstance(initiated, ConversationInitiated)
    assert initiated.data.dynamic_variables.name == "Ada"
    client.receive(server.send(ConversationMetadata(ConversationMetadataData("c", output, input_))))
    assert client.state is State.ACTIVE
    return client, server


@given(st.binary(max_size=2000).map(lambda data: data * 2), st.integers(0, 2**40))
def test_audio_arrives_as_it_was_both_ways(samples: bytes, event_id: int) -> None:
    client, server = connected()
    assert hear(server, client.audio(samples)) == [UserAudio(samples)]
    assert client.receive(server.audio(event_id, samples)) == [AudioReceived(event_id, samples)]


@given(st.sampled_from(list(FORMATS.values())), st.sampled_from(list(FORMATS.values())))
def test_any_two_formats_can_be_agreed(output: AudioFormat, input_: AudioFormat) -> None:
    client, server = AgentsClientProtocol(), AgentsServerProtocol()
    client.initiate()
    metadata = ConversationMetadataData("c", output.name, input_.name)
    assert client.receive(server.send(ConversationMetadata(metadata)))[0] == Initiated("c", output, input_)


def test_every_call_is_heard() -> None:
    client, server = connected()
    file = {"type": "file_input", "file_id": "f"}
    frames = [
        *client.user_message({"text": "hi"}),
        *client.contextual_update({"text": "on page 2", "context_id": "page"}),
        *client.client_tool_result({"tool_call_id": "t", "tool_name": "weather", "result": {"c": 3}}),
        *client.user_activity(),
        *client.feedback({"event_id": 1, "score": "dislike"}),
        *client.multimodal_message({"file": file, "text": {"type": "user_message", "text": "see"}}),
        *client.mcp_tool_approval_result({"tool_call_id": "m", "is_approved": True}),
    ]
    assert hear(server, frames) == [
        UserMessageReceived("hi"),
        ContextualUpdateReceived("on page 2", "page"),
        ToolResultReceived("t", '{"c":3}', False),
        UserActivityReceived(),
        FeedbackReceived(1, "dislike"),
        MultimodalMessageReceived("see", "f"),
        McpApprovalReceived("m", True),
    ]


def test_a_script_that_never_initiates_is_initiated_by_its_first_frame() -> None:
    client, server = AgentsClientProtocol(), AgentsServerProtocol()
    initiated, audio = hear(server, client.audio(b"\0\0"))
    assert isinstance(initiated, ConversationInitiated)
    assert audio == UserAudio(b"\0\0")


def test_ping_and_pong() -> None:
    client, server = connected()
    answer = client.receive(server.send(Ping(PingData(5, 30))))[0]
    assert isinstance(answer, SendNow)
    assert server.receive(answer.text) == [PongReceived(5)]


def test_a_tool_call_and_its_result() -> None:
    client, server = connected()
    call = ClientToolCallMessage(ClientToolCallData("weather", "t1", {"city": "Oslo"}, 2))
    (received,) = client.receive(server.send(call))
    assert isinstance(received, MessageReceived)
    payload = received.data.payload
    assert (payload.tool_name, payload.parameters.city) == ("weather", "Oslo")
    result = client.client_tool_result({"tool_call_id": payload.tool_call_id, "result": "3 degrees"})
    assert hear(server, result) == [ToolResultReceived("t1", "3 degrees", False)]


def test_audio_sent_before_the_interruption_was_seen_is_stale() -> None:
    client, server = connected()
    frames = [
        server.audio(1, b"\0\1"),
        server.send(Interruption(InterruptionData(1))),
        server.audio(1, b"\2\3"),
        server.audio(2, b"\4\5"),
    ]
    events = [event for frame in frames for event in client.receive(frame)]
    heard = [event for event in events if not isinstance(event, MessageReceived)]
    assert heard == [AudioReceived(1, b"\0\1"), AudioReceived(2, b"\4\5")]
    assert client.stale_audio == 1
