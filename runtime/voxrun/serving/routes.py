"""`Routes`: which scenario answers which call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from voxrun.errors import ConfigurationError, VoxrunError


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern`, as of file names: of a path when it begins with `/`, else of the number that was dialled."""

    pattern: str
    scenario: Path

    @classmethod
    def parse(cls, text: str) -> "Route":
        """`PATTERN=FILE`. ConfigurationError for anything else."""
        pattern, equals, file = text.partition("=")
        if not (pattern and equals and file):
            raise ConfigurationError(f"--route takes PATTERN=FILE, but was given '{text}'")
        return cls(pattern, Path(file))


@dataclass(frozen=True, slots=True)
class Routes:
    """The first route that fits counts, else the `default`; what comes from outside never names a file."""

    default: Path | None
    routes: Sequence[Route] = ()

    def choose(self, path: str, destination: str) -> Path | None:
        """The scenario for a call of `destination` that came in at `path`; None when there is none."""
        for route in self.routes:
            if fnmatchcase(path if route.pattern.startswith("/") else destination, route.pattern):
                return route.scenario
        return self.default

    def absolute(self) -> "Routes":
        """The same from any folder: the current one may be gone when a call comes. ConfigurationError if it is now."""
        try:
            routes = [Route(route.pattern, route.scenario.absolute()) for route in self.routes]
            return Routes(self.default and self.default.absolute(), routes)
        except FileNotFoundError:
            raise ConfigurationError("the current folder is gone: begin in another one") from None

    @property
    def scenarios(self) -> tuple[Path, ...]:
        """All of them, each once."""
        named = [route.scenario for route in self.routes]
        return tuple(dict.fromkeys([self.default, *named] if self.default else named))

    def mistakes(self, read: Callable[[Path], object]) -> list[VoxrunError]:
        """What `read` says is wrong with some of them. Raises the first of that if there is something in each."""
        wrong = []
        for scenario in self.scenarios:
            try:
                read(scenario)
            except VoxrunError as error:
                wrong.append(error)
        if len(wrong) == len(self.scenarios):
            raise wrong[0]
        return wrong

    def named(self, name: str) -> Path:
        """The scenario whose file has that name; the first of all for none. ConfigurationError for an unknown one."""
        for scenario in self.scenarios:
            if name in ("", name_of(scenario)):
                return scenario
        names = ", ".join(map(name_of, self.scenarios))
        raise ConfigurationError(f"no scenario of that name is served here: there are {names}")


def name_of(scenario: Path) -> str:
    """Its file's name as JSON can say it, which need not be UTF-8: spelt as in a trace then."""
    return scenario.name.encode(errors="backslashreplace").decode()
