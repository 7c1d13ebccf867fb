"""The ElevenLabs wire protocols without I/O, both sides of each: Agents (`agents_*`) and text-to-speech (`tts_*`).

A machine turns calls into text frames and text frames into events.
"""
