"""`Versions`: of each scenario that many sessions share, the last one that could be loaded."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from voxrun.session.loader import Version, read
from voxrun.session.services import Language


class Versions:
    """Calls go on to be answered while somebody saves a mistake; `say` is told of it once, in a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last: dict[Path, Version] = {}
        self._told: dict[Path, str] = {}

    def read(self, scenario: Path, language: Language | None) -> Version:
        """What is there now; if nothing has changed, with what the last version has of the files beside it.

        In a worker thread, one after the other. Raises what `loader.read` does.
        """
        version = read(scenario, language)
        last = self._last.setdefault(scenario, version)
        return replace(version, beside=last.beside) if version.goes_on(last) else version

    def loaded(self, scenario: Path, version: Version) -> None:
        """What is there now, and was read, could be loaded: calls get it until there is another that can be."""
        self._last[scenario] = version
        self._told.pop(scenario, None)

    def before(self, scenario: Path, version: Version | None) -> Version | None:
        """What to load if what is there now can't be read or, as this `version`, be loaded; None if that is all."""
        last = self._last.get(scenario)
        if last is None or version is None or version.beside is not last.beside:
            return last
        del self._last[scenario]  # it may never have been any good; if it was, the next call brings it back
        return None

    def warning(self, scenario: Path, mistake: str) -> str:
        """What to tell of a mistake, whose lines below the first are of no matter here, when a call gets `before`."""
        wrong = f"{mistake.splitlines()[0]}; until that is mended, calls get the version before it"
        if self._told.get(scenario) != wrong:
            self._say(wrong)
        self._told[scenario] = wrong
        return wrong
