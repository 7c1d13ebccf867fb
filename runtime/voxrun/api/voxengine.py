"""The `VoxEngine` namespace (reference: VoxEngine)."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict, TypeVar, overload
from typing import Unpack as _Unpack
from urllib.parse import unquote, urlsplit

from voxrun.api.parameters import merged
from voxrun.errors import ScenarioError
from voxrun.events.name import EventName
from voxrun.media.graph import Sink
from voxrun.media.player import Player
from voxrun.media.recorder import RATE, Recorder
from voxrun.media.target import Registration
from voxrun.media.unit import MediaSource, VoxMediaUnit
from voxrun.session.current import current_session
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.wav import WavWriter

E = TypeVar("E")


class URLPlayerRequest(TypedDict):
    """What to play: `url` is a path on this machine or a file URL."""

    url: str


class URLPlayerParameters(TypedDict, total=False):
    """`loop`: play again and again; `onPause`: wait for `resume()`."""

    loop: bool
    onPause: bool


class RecorderParameters(TypedDict, total=False):
    """`name`: the file, relative to the current folder; without one it is `<recorder's id>.wav`."""

    name: str


def addEventListener(event: EventName[E], callback: Callable[[E], object]) -> None:
    """Call `callback(event_object)` each time the session's `event` (one of `AppEvents`) fires."""
    current_session().app.addEventListener(event, callback)


def removeEventListener(event: EventName[E], callback: Callable[[E], object] | None = None) -> None:
    """Forget one handler of `event`, or all when no `callback` is given."""
    current_session().app.removeEventListener(event, callback)


def on(event: EventName[E]) -> Registration[E]:
    """`addEventListener` as a decorator: `@VoxEngine.on(AppEvents.CallAlerting)`."""
    return current_session().app.on(event)


def sendMediaBetween(
    mediaUnit1: VoxMediaUnit | MediaSource,
    mediaUnit2: VoxMediaUnit | MediaSource,
    parameters: Mapping[str, object] | None = None,
) -> None:
    """Send the audio of each unit to the other; a player, which only sends, is heard by the other one."""
    for source, sink in _directions(mediaUnit1, mediaUnit2):
        source.sendMediaTo(sink)


def stopMediaBetween(mediaUnit1: VoxMediaUnit | MediaSource, mediaUnit2: VoxMediaUnit | MediaSource) -> None:
    """Stop the audio between two units, both ways."""
    for source, sink in _directions(mediaUnit1, mediaUnit2):
        source.stopMediaTo(sink)


def createURLPlayer(
    request: URLPlayerRequest | str,
    parameters: URLPlayerParameters | None = None,
    /,
    **keywords: _Unpack[URLPlayerParameters],
) -> Player:
    """Play an audio file (wav, flac, ogg, mp3). It begins as soon as it is loaded, unless `onPause`.

    A file that can't be played is told by `PlayerEvents.Error` and `PlaybackFinished`, as in VoxEngine.
    """
    given = {"url": request} if isinstance(request, str) else request
    path = _local_path(merged("createURLPlayer", URLPlayerRequest, given, {})["url"])
    options = merged("createURLPlayer", URLPlayerParameters, parameters, keywords)
    return Player(
        current_session(),
        lambda: AudioFile(path),
        loop=options.get("loop", False),
        on_pause=options.get("onPause", False),
    )


def createRecorder(
    parameters: RecorderParameters | None = None, /, **keywords: _Unpack[RecorderParameters]
) -> Recorder:
    """Record what is sent to it, mixed, into a mono 16 kHz wav file."""
    options = merged("createRecorder", RecorderParameters, parameters, keywords)
    session = current_session()
    path = Path(options.get("name") or f"{session.new_id('recording')}.wav").absolute()
    return Recorder(session, path.as_uri(), lambda: WavWriter(path, rate=RATE, channels=1))


@overload
def customData() -> str: ...
@overload
def customData(customData: str) -> str: ...
def customData(customData: str | None = None) -> str:
    """The session's own text: set it when one is given, then return it."""
    session = current_session()
    if customData is not None:
        session.custom_data = customData
    return session.custom_data


def getSecretValue(name: str) -> str | None:
    """The secret `name`: of --secret, of --env-file or of the environment; None when nobody set it."""
    return current_session().services.secrets.get(name)


def terminate() -> None:
    """End the session. The code that runs now goes on to its next `await`; put a `return` behind it."""
    current_session().terminate()


def _directions(
    unit1: VoxMediaUnit | MediaSource, unit2: VoxMediaUnit | MediaSource
) -> list[tuple[VoxMediaUnit | MediaSource, Sink]]:
    """Who can send to whom. ScenarioError when nobody can, or for what no type check has seen."""
    for unit in (unit1, unit2):
        if inspect.iscoroutine(unit):
            unit.close()
            raise ScenarioError(f"{unit.__name__} returns a promise, not a unit: put `await` before it")
        if not hasattr(unit, "sendMediaTo"):
            raise ScenarioError(f"{unit!r} has no audio to send: it only receives")
    pairs: list[tuple[VoxMediaUnit | MediaSource, Sink]] = []
    for source, sink in ((unit1, unit2), (unit2, unit1)):
        if isinstance(sink, Sink):
            pairs.append((source, sink))
    if not pairs:
        raise ScenarioError(f"neither {unit1!r} nor {unit2!r} takes audio: both only send")
    return pairs


def _local_path(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if "://" in url:
        raise ScenarioError(f"createURLPlayer plays local files (a path or a file URL), not {parts.scheme} addresses")
    return Path(url)
