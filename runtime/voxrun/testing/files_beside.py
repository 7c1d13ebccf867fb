"""`FilesBeside`: the files that a test may name."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FilesBeside:
    """Contains the names of the files that there are in a folder, and below."""

    folder: Path

    def __contains__(self, name: object) -> bool:
        return (self.folder / str(name)).is_file()
