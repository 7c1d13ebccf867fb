"""What `VoxEngine` has for recording (reference: createRecorder)."""

from typing import TypedDict, Unpack

from voxrun.media.parameters import merged
from voxrun.media.recorder import HD_RATE, RATE, Recorder
from voxrun.media.recording import new_take
from voxrun.session.current import current_session

__all__ = ["RecorderParameters", "createRecorder"]


class RecorderParameters(TypedDict, total=False):
    """`name`: the file (wav, flac, ogg or mp3), relative to the current folder; without one `recording-1.wav`.

    `hd_audio`: at 48 kHz instead of 16 kHz. `stereo`: left the first who sends to it, right all others. `transcribe`:
    put a transcript beside it, a line of JSON for each event.
    """

    name: str
    hd_audio: bool
    stereo: bool
    transcribe: bool


def createRecorder(parameters: RecorderParameters | None = None, /, **keywords: Unpack[RecorderParameters]) -> Recorder:
    """Record what is sent to it, mixed, into a file of the format that its name ends with."""
    options = merged("createRecorder", RecorderParameters, parameters, keywords)
    session = current_session()
    rate = HD_RATE if options.get("hd_audio", False) else RATE
    stereo = options.get("stereo", False)
    take = new_take(
        session,
        options.get("name"),
        rate=rate,
        channels=2 if stereo else 1,
        transcribe=options.get("transcribe", False),
    )
    return Recorder(session, take, rate=rate, stereo=stereo)
