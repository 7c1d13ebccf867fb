"""Microphone and speaker: PortAudio's threads on one side, the tick on the other."""
