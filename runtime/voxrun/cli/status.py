"""Exit statuses."""

from voxrun.errors import ConfigurationError, DeviceError, RemoteError

OK = 0
SCENARIO_FAILED = 1
WRONG_USE = 2
UNREACHABLE = 3
INTERRUPTED = 130


def status_of(error: BaseException | None) -> int:
    """The exit status of a run that ended with `error`."""
    match error:
        case None:
            return OK
        case ConfigurationError():
            return WRONG_USE
        case RemoteError() | DeviceError():
            return UNREACHABLE
        case _:
            return SCENARIO_FAILED
