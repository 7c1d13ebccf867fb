"""`Running`: one session of a host's, and what is known of it outside of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import trio

from voxrun.media.leg import Party
from voxrun.session.session import Outcome, Session


@dataclass(slots=True, eq=False)
class Running:
    """`dialect` is how its call came in; both it and `party` are missing where there is no call."""

    session: Session
    scenario: Path
    party: Party | None = None
    dialect: str = ""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    parted: str = ""
    """How the connection with its call ended, and by whom; empty as long as it has not."""
    outcome: Outcome | None = None
    over: trio.Event = field(default_factory=trio.Event)

    @property
    def id(self) -> str:
        """The session's."""
        return self.session.id


class Observer(Protocol):
    """Is told of every session, in plain calls that must not raise."""

    def began(self, running: Running) -> None:
        """It is about to run."""

    def ended(self, running: Running) -> None:
        """It has its outcome."""
