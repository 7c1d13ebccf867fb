"""Makes caller.flac, who calls the receptionist: three sentences, the second of them over the agent's answer.

Run it from the project's root: python scenarios/audio/make_caller.py
"""

from pathlib import Path

import numpy as np
import soundfile

from voxrun.localagent.voice import RATE, Voice

SENTENCES = (
    (4.0, "What are your opening hours today?"),
    (8.5, "Can I book an appointment for tomorrow morning?"),
    (14.8, "No thank you, goodbye."),
)
"""When each begins, in seconds after the call was answered, and what it is."""

SECONDS = 17.5

caller = Voice("en-us+m3", rate_wpm=160)
samples = np.zeros(round(SECONDS * RATE), np.int16)
for seconds, text in SENTENCES:
    speech = caller.say(text)
    start = round(seconds * RATE)
    samples[start : start + speech.size] = speech
soundfile.write(Path(__file__).with_name("caller.flac"), samples, RATE, subtype="PCM_16")
