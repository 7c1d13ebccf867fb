"""voxrun: run VoxEngine-style call scenarios on your own machine.

A scenario imports what it needs from here, under VoxEngine's names:
`from voxrun import AppEvents, CallEvents, ElevenLabs, Logger, VoxEngine`.
"""

from voxrun.api import elevenlabs as ElevenLabs
from voxrun.api import logger as Logger
from voxrun.api import voxengine as VoxEngine
from voxrun.api.timers import clearInterval, clearTimeout, setInterval, setTimeout
from voxrun.events.app import AppEvents
from voxrun.events.call import CallEvents
from voxrun.events.player import PlayerEvents
from voxrun.events.recorder import RecorderEvents
from voxrun.media.call import Call
from voxrun.media.player import Player
from voxrun.media.recorder import Recorder
from voxrun.media.unit import VoxMediaUnit

__all__ = [
    "AppEvents",
    "Call",
    "CallEvents",
    "ElevenLabs",
    "Logger",
    "Player",
    "PlayerEvents",
    "Recorder",
    "RecorderEvents",
    "VoxEngine",
    "VoxMediaUnit",
    "clearInterval",
    "clearTimeout",
    "setInterval",
    "setTimeout",
]
