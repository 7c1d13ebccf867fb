"""`Findings`: what the checker has to say of a file, with the nearest right name for a wrong one."""

from collections.abc import Iterable
from itertools import islice

from voxrun.absent import absent
from voxrun.dsl.diagnostic import Diagnostic, Severity
from voxrun.dsl.nodes import Span
from voxrun.nearest import nearest

MOST = 100
"""Of errors, and of warnings. Who has made more mistakes than this begins with the first."""

_MOST_CANDIDATES = 300
"""How many names a wrong one is compared with."""

_MOST_LOOKS = 3 * MOST
"""How many wrong names are compared with others: that takes longer than all else."""

_LIKENESS = 0.7

_FEW = 20
"""How many names an advice may list."""


class Findings:
    """Grows while a file is checked."""

    def __init__(self) -> None:
        self._diagnostics: list[Diagnostic] = []
        self._left: dict[Severity, int] = {"error": MOST, "warning": MOST}
        self._looks = _MOST_LOOKS

    @property
    def full(self) -> bool:
        """Whether no more errors are taken in."""
        return not self._left["error"]

    def error(self, span: Span, message: str, advice: str = "") -> None:
        """Something that can't work."""
        self.add(span, "error", message, advice)

    def warning(self, span: Span, message: str, advice: str = "") -> None:
        """Something that is likely not meant so."""
        self.add(span, "warning", message, advice)

    def add(self, span: Span, severity: Severity, message: str, advice: str = "") -> None:
        """Either."""
        if self._left[severity]:
            self._left[severity] -= 1
            self._diagnostics.append(Diagnostic(span, severity, message, advice))

    def in_order(self) -> tuple[Diagnostic, ...]:
        """All, from the beginning of the file to its end; each once."""
        return tuple(sorted(dict.fromkeys(self._diagnostics), key=lambda it: (it.span.start, it.span.end)))

    def nearest(self, name: str, candidates: Iterable[str]) -> str:
        """The candidate that `name` is likely a misspelling of, or nothing."""
        self._looks -= 1
        return "" if self._looks < 0 else nearest(name, islice(candidates, _MOST_CANDIDATES), _LIKENESS)

    def did_you_mean(self, name: str, candidates: Iterable[str]) -> str:
        """Advice: what to do without a name of VoxEngine's, else the nearest right name, or all when there are few."""
        if advice := absent(name):
            return advice
        known = list(islice(candidates, _MOST_CANDIDATES))
        near = self.nearest(name, known)
        if near:
            return f"did you mean `{near}`?"
        return f"there is {', '.join(f'`{each}`' for each in known)}" if 0 < len(known) <= _FEW else ""
