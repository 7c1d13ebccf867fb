"""`Verdict`: the answer to a test's question, which says why when it is no."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """True or false, in `assert` and `if`; `why` is one sentence, `detail` what there is to see besides, in lines."""

    holds: bool
    why: str
    detail: str = ""

    def __bool__(self) -> bool:
        return self.holds

    def __repr__(self) -> str:
        return self.why
