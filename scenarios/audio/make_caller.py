"""Makes the recordings here: caller.flac calls the receptionist, announcement.flac is what announce.py plays.

Run it from the project's root: python scenarios/audio/make_caller.py
"""

from pathlib import Path

import numpy as np
import soundfile

from voxrun.audio.frame import Samples
from voxrun.localagent.voice import RATE, Voice

SENTENCES = (
    (4.0, "What are your opening hours today?"),
    (8.2, "Can I book an appointment for tomorrow morning?"),
    (15.3, "No thank you, goodbye."),
)
"""When the caller begins each, in seconds after the call was answered; the second is said over the agent's answer."""

SECONDS = 18.0

ANNOUNCEMENT = "This number is not in service at the moment. Please call again tomorrow."


def write(name: str, samples: Samples) -> None:
    soundfile.write(Path(__file__).with_name(name), samples, RATE, subtype="PCM_16")


caller = Voice("en-us+m3", rate_wpm=160)
call = np.zeros(round(SECONDS * RATE), np.int16)
for seconds, text in SENTENCES:
    speech = caller.say(text)
    start = round(seconds * RATE)
    call[start : start + speech.size] = speech
write("caller.flac", call)
write("announcement.flac", Voice().say(ANNOUNCEMENT))
