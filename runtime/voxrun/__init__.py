"""voxrun: run VoxEngine-style call scenarios on your own machine.

A scenario imports what it needs from here, under VoxEngine's names:
`from voxrun import AppEvents, CallEvents, ElevenLabs, Logger, VoxEngine`.
"""

from typing import TYPE_CHECKING

from voxrun.namespace import on_demand

if TYPE_CHECKING:
    from voxrun.api import elevenlabs as ElevenLabs
    from voxrun.api import logger as Logger
    from voxrun.api import net as Net
    from voxrun.api import voxengine as VoxEngine
    from voxrun.api.timers import (
        clearInterval,
        clearTimeout,
        setInterval,
        setTimeout,
    )
    from voxrun.events.app import AppEvents
    from voxrun.events.call import CallEvents
    from voxrun.events.conference import ConferenceEvents
    from voxrun.events.player import PlayerEvents
    from voxrun.events.recorder import RecorderEvents
    from voxrun.events.rtp_unit import RtpUnitEvents
    from voxrun.events.sequence_player import SequencePlayerEvents
    from voxrun.events.websocket import WebSocketCloseCode, WebSocketEvents, WebSocketReadyState
    from voxrun.media.call import Call
    from voxrun.media.conference import Conference
    from voxrun.media.endpoint import ConferenceDirection, ConferenceMode, Endpoint
    from voxrun.media.player import Player
    from voxrun.media.recorder import Recorder
    from voxrun.media.rtp_unit import RtpUnit
    from voxrun.media.sequence_player import SequencePlayer
    from voxrun.media.unit import VoxMediaUnit
    from voxrun.protocol.voxengine_media import WebSocketAudioEncoding
    from voxrun.providers.websocket import WebSocket
    from voxrun.transports.sound.microphone import Microphone
    from voxrun.transports.sound.speaker import Speaker
else:
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "AppEvents": "voxrun.events.app:AppEvents",
            "Call": "voxrun.media.call:Call",
            "CallEvents": "voxrun.events.call:CallEvents",
            "Conference": "voxrun.media.conference:Conference",
            "ConferenceDirection": "voxrun.media.endpoint:ConferenceDirection",
            "ConferenceEvents": "voxrun.events.conference:ConferenceEvents",
            "ConferenceMode": "voxrun.media.endpoint:ConferenceMode",
            "ElevenLabs": "voxrun.api.elevenlabs",
            "Endpoint": "voxrun.media.endpoint:Endpoint",
            "Logger": "voxrun.api.logger",
            "Microphone": "voxrun.transports.sound.microphone:Microphone",
            "Net": "voxrun.api.net",
            "Player": "voxrun.media.player:Player",
            "PlayerEvents": "voxrun.events.player:PlayerEvents",
            "Recorder": "voxrun.media.recorder:Recorder",
            "RecorderEvents": "voxrun.events.recorder:RecorderEvents",
            "RtpUnit": "voxrun.media.rtp_unit:RtpUnit",
            "RtpUnitEvents": "voxrun.events.rtp_unit:RtpUnitEvents",
            "SequencePlayer": "voxrun.media.sequence_player:SequencePlayer",
            "SequencePlayerEvents": "voxrun.events.sequence_player:SequencePlayerEvents",
            "Speaker": "voxrun.transports.sound.speaker:Speaker",
            "VoxEngine": "voxrun.api.voxengine",
            "VoxMediaUnit": "voxrun.media.unit:VoxMediaUnit",
            "WebSocket": "voxrun.providers.websocket:WebSocket",
            "WebSocketAudioEncoding": "voxrun.protocol.voxengine_media:WebSocketAudioEncoding",
            "WebSocketCloseCode": "voxrun.events.websocket:WebSocketCloseCode",
            "WebSocketEvents": "voxrun.events.websocket:WebSocketEvents",
            "WebSocketReadyState": "voxrun.events.websocket:WebSocketReadyState",
            "clearInterval": "voxrun.api.timers:clearInterval",
            "clearTimeout": "voxrun.api.timers:clearTimeout",
            "setInterval": "voxrun.api.timers:setInterval",
            "setTimeout": "voxrun.api.timers:setTimeout",
        },
    )

__all__ = [
    "AppEvents",
    "Call",
    "CallEvents",
    "Conference",
    "ConferenceDirection",
    "ConferenceEvents",
    "ConferenceMode",
    "ElevenLabs",
    "Endpoint",
    "Logger",
    "Microphone",
    "Net",
    "Player",
    "PlayerEvents",
    "Recorder",
    "RecorderEvents",
    "RtpUnit",
    "RtpUnitEvents",
    "SequencePlayer",
    "SequencePlayerEvents",
    "Speaker",
    "VoxEngine",
    "VoxMediaUnit",
    "WebSocket",
    "WebSocketAudioEncoding",
    "WebSocketCloseCode",
    "WebSocketEvents",
    "WebSocketReadyState",
    "clearInterval",
    "clearTimeout",
    "setInterval",
    "setTimeout",
]
