"""`Sounds`: where units get their audio from and leave it; the session's services have one."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from voxrun.errors import ScenarioError
from voxrun.media.read_ahead import AudioSource
from voxrun.media.write_behind import SampleWriter, TextWriter
from voxrun.shown import shown

REMOTE_SCHEMES = ("http", "https")

TEXT_LIMIT = 1500
"""Characters that can be spoken at once (VoxEngine's limit)."""


@dataclass(frozen=True, slots=True)
class AudioRequest:
    """Which file to play: `url` is a path on this machine, a file URL, or an http or https address.

    The rest is for addresses only. ScenarioError for any other scheme, and for what is no text.
    """

    url: str
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    def __post_init__(self) -> None:
        if not isinstance(self.url, str):
            raise ScenarioError(f"audio is played from a path or an address, as a text, not from {shown(self.url)}")
        try:
            scheme = urlsplit(self.url).scheme
            is_possible = b"\0" not in os.fsencode(self.path)
        except ValueError:  # half a surrogate pair is in no name either
            is_possible = False
        if not is_possible:
            raise ScenarioError(
                f"audio is played from a path or an address: {self.url.partition('?')[0]!r} is no path and no address"
            )
        if "://" in self.url and scheme not in ("file", *REMOTE_SCHEMES):
            raise ScenarioError(
                f"audio is played from files (a path or a file URL) and from http and https, not {scheme} addresses"
            )

    @property
    def is_remote(self) -> bool:
        """Whether it has to be downloaded."""
        return urlsplit(self.url).scheme in REMOTE_SCHEMES

    @property
    def path(self) -> Path:
        """Where it is on this machine, if it is not remote."""
        parts = urlsplit(self.url)
        if parts.scheme != "file":
            return Path(self.url)
        path = unquote(parts.path)
        return Path(path.removeprefix("/") if sys.platform == "win32" else path)  # file:///C:/hello.wav


class Sounds(Protocol):
    """Opens what players play and recorders write."""

    async def open(self, request: AudioRequest) -> AudioSource:
        """A file. VoxrunError when it is missing, damaged, too large or too slow to come."""

    async def speak(self, text: str, voice: str | None) -> AudioSource:
        """Speech; `voice` is the name that whoever speaks has for it. VoxrunError when it can't be had."""

    def create(self, path: Path, rate: int, channels: int) -> SampleWriter:
        """A new audio file of the format that its name ends with; blocks. OSError."""

    def create_text(self, path: Path) -> TextWriter:
        """A new text file; blocks. OSError."""
