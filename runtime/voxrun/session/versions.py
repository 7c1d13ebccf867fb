"""`Versions`: of each scenario that many sessions share, the last one that could be read."""

from collections.abc import Callable
from pathlib import Path

from voxrun.errors import VoxrunError
from voxrun.session.loader import file_of, read
from voxrun.session.services import Language, Reading


class Versions:
    """Calls go on to be answered while somebody saves a mistake; `say` is told of it once, in a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last: dict[Path, tuple[Path, Reading]] = {}
        self._wrong: dict[Path, str] = {}

    def read(self, scenario: Path, language: Language | None) -> tuple[Path, Reading, str]:
        """Which file can be read, what is in it, and what is wrong with what is there now.

        In a worker thread, one after the other. Raises what `loader.read` does, if there was no version without a
        mistake yet.
        """
        file, wrong = file_of(scenario), ""
        try:
            self._last[scenario] = file, read(file, language)
        except VoxrunError as error:
            if scenario not in self._last:
                raise
            wrong = f"{str(error).splitlines()[0]}; until that is mended, calls get the version before it"
            if self._wrong[scenario] != wrong:
                self._say(wrong)
        self._wrong[scenario] = wrong
        return *self._last[scenario], wrong
