"""`serve_speech`: the local agent's text-to-speech, the service's `stream-input`, on one connection.

It differs from the service in what its voice can't: the alignment spreads the characters of a sentence evenly over it,
the normalized one is the same, and of the voice's settings only `speed` has an effect. A voice_id may be anything; it
chooses one of VOICES.
"""

import re
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import cast

import numpy as np
import trio

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.g711 import encode_ulaw
from voxrun.audio.resample import Resampler
from voxrun.events.message import Message
from voxrun.localagent.voice import RATE, Voice
from voxrun.localagent.waiting_text import LIMIT, SCHEDULE, WaitingText
from voxrun.protocol.elevenlabs.agents_server import ClientBroke
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat
from voxrun.protocol.elevenlabs.reason import CLOSE_REASON_BYTES
from voxrun.protocol.elevenlabs.tts_messages import OPENING_TEXT, Alignment
from voxrun.protocol.elevenlabs.tts_server import (
    ConnectionInitialized,
    State,
    TextFinished,
    TextReceived,
    TTSServerProtocol,
    TTSServiceEvent,
)
from voxrun.transports.server import Request
from voxrun.transports.websocket import WebSocket

SPEECH_PATH = re.compile(r"/v1/text-to-speech/(?P<voice_id>.+)/stream-input", re.DOTALL)
"""Of a request, decoded."""

OUTPUT_FORMATS = ("pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "ulaw_8000")

VOICES = ("en-us", "en-us+f3", "en-us+m3", "en-us+f2", "en-us+m7", "en-us+f5")

NORMAL_WPM = 165
"""Words per minute at `speed` 1."""

SPEEDS = (0.7, 1.2)

INACTIVITY_SECONDS = 20.0
LONGEST_INACTIVITY_SECONDS = 180.0

PAUSE_SECONDS = 0.3
"""Behind a sentence, as espeak makes it between two."""

CHUNK_SECONDS = 0.25
"""Audio in one message."""

SPEED_UP = 10
"""How much faster than real time the audio is sent."""

_KEY_FIELDS = ("xi-api-key", "authorization")
_KEY_QUERIES = ("authorization", "single_use_token")


class _Refused(Exception):  # noqa: N818 - it is what happens to the client, not to us
    """The service has to give up; `code` is its own name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
