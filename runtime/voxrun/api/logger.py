"""The `Logger` namespace (reference: Logger)."""

from voxrun.session.current import current_session


def write(message: object) -> None:
    """Put a line into the session's log: the terminal shows it, the trace keeps it."""
    current_session().trace("log", message=str(message))
