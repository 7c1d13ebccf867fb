"""Arbitrary clients: whatever they send, the agent ends the conversation as documented and serves the next caller."""

import json
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.localagent.caller import URL, calling, with_agent

from voxrun.localagent.script import OVERRIDES
from voxrun.protocol.elevenlabs.agents_server_messages import AnyServerMessage
from voxrun.transports.network import Network
from voxrun.transports.websocket import Closed, open_websocket

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=5), children, max_size=2),
    max_leaves=4,
)
TEXTS = st.sampled_from(
    ["Goodbye.", "What are your opening hours?", "Can I book an appointment?", "{context} {{file}}", "\0", "", "ü" * 99]
)
IDS = st.sampled_from(["call_1", "call_2", "context", "a"])


def message(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Messages of that type, most of them as the contract wants them."""
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=fields)


OVERRIDE = st.fixed_dictionaries(
    {},
    optional={
        "agent": st.dictionaries(st.sampled_from(OVERRIDES), TEXTS | JSON, max_size=2),
        "tts": st.fixed_dictionaries({}, optional={"voice_id": TEXTS, "speed": st.floats(0.7, 5)}),
        "conversation": st.fixed_dictionaries(
            {}, optional={"text_only": st.booleans(), "client_events": st.just(["audio", "context_usage"])}
        ),
        "text_only": JSON,
    },
)
INITIATIONS = message(
    "conversation_initiation_client_data",
    conversation_config_override=OVERRIDE,
    dynamic_variables=st.dictionaries(IDS, JSON, max_size=2),
    user_id=JSON,
)
MESSAGES = st.one_of(
    st.builds(lambda size: {"user_audio_chunk": "AAA=" if size == 1 else "AAAA" * size}, st.integers(0, 3000)),
    message("pong", event_id=st.integers(0, 3)),
    message("user_message", text=TEXTS),
    message("user_activity"),
    message("feedback", event_id=st.integers(), score=st.sampled_from(["like", "dislike", None])),
    message("client_tool_result", tool_call_id=IDS, result=st.sampled_from(["", "{}", "9"]), is_error=st.booleans()),
    message("mcp_tool_approval_result", tool_call_id=IDS, is_approved=st.booleans()),
    message("contextual_update", text=TEXTS, context_id=IDS),
    message("multimodal_message", text=message("user_message", text=TEXTS), file=JSON),
    INITIATIONS,
    st.dictionaries(st.text(max_size=5), JSON, max_size=2),
)
CLIENTS = st.tuples(INITIATIONS, st.lists(st.tuples(MESSAGES, st.sampled_from([0.0, 0.1, 2.0])), max_size=12))
CLIENT_LISTS = st.lists(CLIENTS, min_size=1, max_size=2)
Clients = list[tuple[dict[str, Any], list[tuple[dict[str, Any], float]]]]

DOCUMENTED = (1000, 1002, 1008)


async def converse(network: Network, frames: list[tuple[dict[str, Any], float]]) -> tuple[list[str | bytes], Closed]:
    """Send them with their pauses; then hang up, unless the agent does first."""
    received: list[str | bytes] = []
    ends: list[Closed] = []
    async with open_websocket(network, URL) as socket, trio.open_nursery() as nursery:

        async def listen() -> None:
            ends.append(await socket.pump(received.append))

        nursery.start_soon(listen)
        for frame, pause in frames:
            socket.send(json.dumps(frame))
            await trio.sleep(pause)
        socket.close()
    return received, ends[0]


def serve_all(clients: Clients) -> None:
    """`with_agent` raises what the agent lets out, and counts the tasks left."""

    async def main(network: Network) -> None:
        for initiation, frames in clients:
            received, closed = await converse(network, [(initiation, 0.0), *frames])
            assert closed.code in DOCUMENTED
            for text in received:
                msgspec.json.decode(text, type=AnyServerMessage)
        async with calling(network) as caller:
            await caller.until("agent_response")

    with_agent(main)


@settings(max_examples=8)
@given(CLIENT_LISTS)
def test_no_client_brings_the_agent_down(clients: Clients) -> None:
    serve_all(clients)


@pytest.mark.slow
@settings(max_examples=200)
@given(CLIENT_LISTS)
def test_none_of_many_clients_brings_the_agent_down(clients: Clients) -> None:
    serve_all(clients)
