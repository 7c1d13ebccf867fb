"""`Order`: pieces of audio that are numbered from 1 on, each in its turn."""

MOST_WAITING = 3
"""When so many are there after one that is missing, it counts as lost: 60 ms, as long as loss can be concealed."""

MOST_BEHIND = 100
"""By how much one can be late; a number that is still lower begins another count."""


class Order:
    """Whoever asks compares with `next` first, since nearly all come in order: then it counts on and needs no `put`."""

    def __init__(self) -> None:
        self.next = 1
        """The number of the piece that can be heard at once; -1, which none has, as long as some wait."""
        self.late = 0
        """Pieces that came after their turn, or twice."""
        self._due = 1
        self._waiting: dict[int, bytes] = {}

    def put(self, number: int, audio: bytes) -> list[bytes]:
        """What can be heard now that this came."""
        self._due = self._due if self._waiting else self.next
        behind = self._due - number
        if 0 < behind <= MOST_BEHIND:
            self.late += 1
            return []
        if behind > 0:
            self._waiting.clear()
            self._due = number
        self._waiting[number] = audio
        if len(self._waiting) >= MOST_WAITING:
            self._due = min(self._waiting)
        return self._ready()

    def _ready(self) -> list[bytes]:
        ready = []
        while self._due in self._waiting:
            ready.append(self._waiting.pop(self._due))
            self._due += 1
        self.next = -1 if self._waiting else self._due
        return ready
