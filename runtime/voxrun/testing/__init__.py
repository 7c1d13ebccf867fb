"""Test a scenario offline: a scripted caller and a scripted agent, the real runtime, and a clock that takes no time.

`simulate` runs a scenario file; under pytest the fixture of the same name does, with paths relative to the test file.
"""

from typing import TYPE_CHECKING

from voxrun.namespace import on_demand

if TYPE_CHECKING:
    from voxrun.testing.agent import (
        Agent,
        SpeechService,
        callTool,
        close,
        error,
        interrupt,
        send,
        turn,
        vadScore,
        vanish,
    )
    from voxrun.testing.caller import Caller, hangUp, press, say
    from voxrun.testing.cancelling import cancelEverywhere
    from voxrun.testing.cassette import fromCassette
    from voxrun.testing.control import connect, request
    from voxrun.testing.faults import cut, impair, refuse, slowDisk, stall
    from voxrun.testing.moments import (
        after,
        agentStarts,
        agentStops,
        at,
        callerStarts,
        callerStops,
        callerTurn,
        event,
        message,
        previous,
        toolResult,
    )
    from voxrun.testing.rtp_peer import RtpPeer
    from voxrun.testing.running import Simulate, simulate, simulation
    from voxrun.testing.simulated_call import SimulatedCall, SimulatedEvent
    from voxrun.testing.sounds import sentence, speech, tone
    from voxrun.testing.stage import Simulation
    from voxrun.testing.track import Track
    from voxrun.testing.turn_taking import interruptionToSilence, turns
    from voxrun.testing.web import reply
    from voxrun.testing.web_socket_peer import WebSocketPeer
else:
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "Agent": "voxrun.testing.agent:Agent",
            "Caller": "voxrun.testing.caller:Caller",
            "RtpPeer": "voxrun.testing.rtp_peer:RtpPeer",
            "Simulate": "voxrun.testing.running:Simulate",
            "SimulatedCall": "voxrun.testing.simulated_call:SimulatedCall",
            "SimulatedEvent": "voxrun.testing.simulated_call:SimulatedEvent",
            "Simulation": "voxrun.testing.stage:Simulation",
            "SpeechService": "voxrun.testing.agent:SpeechService",
            "Track": "voxrun.testing.track:Track",
            "WebSocketPeer": "voxrun.testing.web_socket_peer:WebSocketPeer",
            "after": "voxrun.testing.moments:after",
            "agentStarts": "voxrun.testing.moments:agentStarts",
            "agentStops": "voxrun.testing.moments:agentStops",
            "at": "voxrun.testing.moments:at",
            "callTool": "voxrun.testing.agent:callTool",
            "callerStarts": "voxrun.testing.moments:callerStarts",
            "callerStops": "voxrun.testing.moments:callerStops",
            "callerTurn": "voxrun.testing.moments:callerTurn",
            "cancelEverywhere": "voxrun.testing.cancelling:cancelEverywhere",
            "close": "voxrun.testing.agent:close",
            "connect": "voxrun.testing.control:connect",
            "cut": "voxrun.testing.faults:cut",
            "error": "voxrun.testing.agent:error",
            "event": "voxrun.testing.moments:event",
            "fromCassette": "voxrun.testing.cassette:fromCassette",
            "hangUp": "voxrun.testing.caller:hangUp",
            "impair": "voxrun.testing.faults:impair",
            "interrupt": "voxrun.testing.agent:interrupt",
            "interruptionToSilence": "voxrun.testing.turn_taking:interruptionToSilence",
            "message": "voxrun.testing.moments:message",
            "press": "voxrun.testing.caller:press",
            "previous": "voxrun.testing.moments:previous",
            "refuse": "voxrun.testing.faults:refuse",
            "reply": "voxrun.testing.web:reply",
            "request": "voxrun.testing.control:request",
            "say": "voxrun.testing.caller:say",
            "send": "voxrun.testing.agent:send",
            "sentence": "voxrun.testing.sounds:sentence",
            "simulate": "voxrun.testing.running:simulate",
            "simulation": "voxrun.testing.running:simulation",
            "slowDisk": "voxrun.testing.faults:slowDisk",
            "speech": "voxrun.testing.sounds:speech",
            "stall": "voxrun.testing.faults:stall",
            "tone": "voxrun.testing.sounds:tone",
            "toolResult": "voxrun.testing.moments:toolResult",
            "turn": "voxrun.testing.agent:turn",
            "turns": "voxrun.testing.turn_taking:turns",
            "vadScore": "voxrun.testing.agent:vadScore",
            "vanish": "voxrun.testing.agent:vanish",
        },
    )

__all__ = [
    "Agent",
    "Caller",
    "RtpPeer",
    "Simulate",
    "SimulatedCall",
    "SimulatedEvent",
    "Simulation",
    "SpeechService",
    "Track",
    "WebSocketPeer",
    "after",
    "agentStarts",
    "agentStops",
    "at",
    "callTool",
    "callerStarts",
    "callerStops",
    "callerTurn",
    "cancelEverywhere",
    "close",
    "connect",
    "cut",
    "error",
    "event",
    "fromCassette",
    "hangUp",
    "impair",
    "interrupt",
    "interruptionToSilence",
    "message",
    "press",
    "previous",
    "refuse",
    "reply",
    "request",
    "say",
    "send",
    "sentence",
    "simulate",
    "simulation",
    "slowDisk",
    "speech",
    "stall",
    "tone",
    "toolResult",
    "turn",
    "turns",
    "vadScore",
    "vanish",
]
