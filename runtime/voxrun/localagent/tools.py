"""`Tools`: what the agent has its client do or allow, and what it tells about that."""

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec

from voxrun.localagent.answers import Answers
from voxrun.localagent.line import Line
from voxrun.protocol.elevenlabs.agents_server import McpApprovalReceived, ToolResultReceived
from voxrun.protocol.elevenlabs.agents_server_messages import (
    AgentToolRequestData,
    AgentToolRequestMessage,
    AgentToolResponseData,
    AgentToolResponseFullPayloadData,
    AgentToolResponseFullPayloadMessage,
    AgentToolResponseMessage,
    ClientToolCallData,
    ClientToolCallMessage,
    MCPToolCall,
    MCPToolCallAwaitingApproval,
    MCPToolCallFailure,
)

TOOL_SECONDS = 10.0
"""How long the client may take to run a tool before the agent goes on without it."""


class Tools:
    """The calls of one conversation."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._serial = itertools.count(1)
        self._results: Answers[ToolResultReceived] = Answers()
        self._approvals: Answers[McpApprovalReceived] = Answers()

    def take(self, answer: ToolResultReceived | McpApprovalReceived) -> None:
        """What the client answered."""
        answers: Answers[Any] = self._results if isinstance(answer, ToolResultReceived) else self._approvals
        answers.give(answer.tool_call_id, answer)

    async def use(self, name: str, parameters: Mapping[str, Any]) -> str | None:
        """Have the client run a tool; the result, or None when it is an error or doesn't come in time."""
        call_id = self._request(name, "client")
        call = ClientToolCallData(name, call_id, dict(parameters), self._line.event_id)
        self._line.send(ClientToolCallMessage(call))
        result = await self._results.wait(call_id, TOOL_SECONDS)
        answered = ToolResultReceived(call_id, "", is_error=True) if result is None else result
        self._respond(name, "client", answered)
        return None if answered.is_error else answered.result

    def end_call(self) -> None:
        """Tell that the agent hangs up, which is a tool of the service's own."""
        call_id = self._request("end_call", "system")
        self._respond("end_call", "system", ToolResultReceived(call_id, "", is_error=False))

    async def is_approved(self, call: MCPToolCallAwaitingApproval) -> bool:
        """Whether the client allows that MCP tool call, which it was told of; else it is told of the failure."""
        approval = await self._approvals.wait(call.tool_call_id, call.approval_timeout_secs)
        if approval is not None and approval.is_approved:
            return True
        fields = {name: getattr(call, name) for name in call.__struct_fields__ if name != "approval_timeout_secs"}
        why = "there was no answer in time" if approval is None else "the user refused"
        self._line.send(MCPToolCall(MCPToolCallFailure(**fields, error_message=f"not approved: {why}")))
        return False

    def _request(self, name: str, kind: str) -> str:
        call_id = f"call_{next(self._serial)}"
        self._line.send(AgentToolRequestMessage(AgentToolRequestData(name, call_id, kind, self._line.event_id)))
        return call_id

    def _respond(self, name: str, kind: str, result: ToolResultReceived) -> None:
        told = AgentToolResponseData(
            tool_name=name,
            tool_call_id=result.tool_call_id,
            tool_type=kind,
            is_error=result.is_error,
            is_called=True,
            event_id=self._line.event_id,
        )
        self._line.send(AgentToolResponseMessage(told))
        full = AgentToolResponseFullPayloadData(**msgspec.structs.asdict(told), full_tool_result=result.result)
        self._line.send(AgentToolResponseFullPayloadMessage(full))
