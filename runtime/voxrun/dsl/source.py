"""`Source`: the text of a scenario file, and where in it a place is."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

_BOM = "\ufeff"


@dataclass(frozen=True)
class Source:
    """The text of the file `name`. Places in it are offsets: characters from its beginning, from 0."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins."""
        starts = [0]
        offset = self.text.find("\n")
        while offset >= 0:
            starts.append(offset + 1)
            offset = self.text.find("\n", offset + 1)
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a place, both from 1, the column in characters."""
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        return line, offset - start + 1 - self.text.startswith(_BOM, start, offset)

    def start(self, number: int) -> int:
        """Where a line begins, counted from 1."""
        return self._starts[number - 1]

    def line(self, number: int) -> str:
        """The text of a line, from 1, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].removeprefix(_BOM).removesuffix("\n").removesuffix("\r")
