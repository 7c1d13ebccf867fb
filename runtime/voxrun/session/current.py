"""The session that the running code belongs to."""

from contextvars import ContextVar
from typing import TYPE_CHECKING

from voxrun.errors import ConfigurationError

if TYPE_CHECKING:
    from voxrun.session.session import Session

current: ContextVar["Session"] = ContextVar("voxrun_session")


def current_session() -> "Session":
    """The session of the calling task; ConfigurationError outside of any."""
    session = current.get(None)
    if session is None:
        raise ConfigurationError(
            "there is no session here: the names of voxrun work in a scenario, begun by `voxrun FILE` or in a test by "
            "`simulate(FILE)`"
        )
    return session
