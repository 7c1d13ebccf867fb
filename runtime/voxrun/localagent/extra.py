"""The `local-agent` extra: its libraries are loaded when the agent is, never with voxrun itself."""

from importlib import import_module
from types import ModuleType

from voxrun.errors import ConfigurationError


def load_extra(module: str, what: str = "the local agent") -> ModuleType:
    """The library called `module`, for `what`; raises ConfigurationError with the command that installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"{what} needs {module}, which isn't installed here ({error}).\n"
            "Install it with: pip install 'voxrun[local-agent]'"
        ) from error
