"""`Budget`: how much a `.vox` scenario may do in one tick, how deep its calls may go, and how much it may keep."""

from collections.abc import Callable

from voxrun.errors import ScenarioError

STEPS = 60_000
"""Between two ticks of the media clock. A step is about what one node of the program costs: all of them, some 5 ms."""

DEPTH = 100
"""Calls inside one another."""

TEXT_LIMIT = 1_000_000
"""Characters of one text."""

LIST_LIMIT = 50_000
"""Items of one list, or keys of one object."""

MEMORY = 4 * 1024 * 1024
"""Bytes, about, of all texts, lists and objects that a scenario can still reach."""

SPARE = MEMORY // 8
"""What must be free after a census, so that the next one is not due at once."""

STEP_BYTES = 64
"""What one step may keep without saying so: a small list, an object, a function."""


class ExhaustedError(ScenarioError):
    """The scenario used up what it may use. No `catch` of its own stops that."""


class Budget:
    """What one session has left; compiled code counts `left` down and calls `over` below 0.

    `tick`: how many ticks there were. It grows only while the clock gets its turn, so that many short turns in a row
    are no way around the limit. `census`: bytes that are kept now, and how many values were looked at for that.
    """

    __slots__ = ("_census", "_last_tick", "_room", "_tick", "depth", "left")

    def __init__(self, tick: Callable[[], int], census: Callable[[], tuple[int, int]]) -> None:
        self._tick = tick
        self._census = census
        self._last_tick = tick()
        self._room = MEMORY
        self.left = STEPS
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Count work that takes as long as so many steps. ExhaustedError."""
        self.left -= steps
        if self.left < 0:
            self.over()

    def over(self) -> None:
        """Nothing is left: there is more if the clock has moved on. ExhaustedError."""
        tick = self._tick()
        if tick != self._last_tick:
            self._last_tick = tick
            self.left += STEPS
            self.grow(STEPS * STEP_BYTES)
        if self.left < 0:
            raise ExhaustedError(
                "this takes too long: a scenario may do little between two ticks of its clock, so that other calls "
                "go on; is there a loop that never ends, or one that should `wait`?"
            )

    def keep(self, text: str) -> str:
        """`text`, new and counted. ExhaustedError when it is too long."""
        length = len(text)
        if length > 1000:
            self.check_text(length)
            self.spend(length >> 7)
        self.grow(length + 64)
        return text

    def compare(self, text: str) -> None:
        """Count that `text` is compared with another one, which may be equal to it up to the end."""
        if len(text) > 1000:
            self.spend(len(text) >> 10)

    def check_text(self, length: int) -> None:
        """ExhaustedError when no text may be as long as that."""
        if length > TEXT_LIMIT:
            raise ExhaustedError(f"this text would have {length} characters: a text has at most {TEXT_LIMIT}")

    def check_list(self, length: int) -> None:
        """ExhaustedError when no list or object may be as long as that."""
        if length > LIST_LIMIT:
            raise ExhaustedError(f"there would be {length} items: a list or object has at most {LIST_LIMIT}")

    def grow(self, size: int) -> None:
        """Count bytes that may be kept. ExhaustedError when too much is."""
        self._room -= size
        if self._room < 0:
            kept, values = self._census()
            self._room = MEMORY - kept
            self.left -= values >> 2
            if self._room < SPARE:
                raise ExhaustedError(
                    f"the scenario keeps too much: its texts and lists may take up {MEMORY // 2**20} MB, about"
                )

    def enter(self) -> None:
        """One call deeper. ExhaustedError when it is one too many."""
        if self.depth >= DEPTH:
            raise ExhaustedError(f"more than {DEPTH} calls inside one another: does a function call itself?")
        self.depth += 1
