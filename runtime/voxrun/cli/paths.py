"""Paths that arguments name: whether anything is there, what is missing, and where links lead."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from voxrun.errors import ConfigurationError


def is_there(path: Path) -> bool:
    """Whether there is a file or folder. ConfigurationError when that can't be known, as in somebody else's folder."""
    try:
        path.stat()
        if path.is_dir():
            os.scandir(path).close()  # who looks for files in it is told of none
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from None
    return True


def none_in(paths: Iterable[object], what: str) -> ConfigurationError:
    """The error of a command that has nothing to do, as nothing is there of `what` it is for."""
    return ConfigurationError(f"there are no {what} in {', '.join(map(str, paths))}")


def real(path: Path) -> Path:
    """The path without links; one that leads in a circle stays, and so does any when the current folder is gone."""
    with suppress(FileNotFoundError):
        return Path(os.path.realpath(path))
    return path
