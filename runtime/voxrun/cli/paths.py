"""Paths that arguments name: whether anything is there, and where links lead."""

import os
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


def real(path: Path) -> Path:
    """The path without links; one that leads in a circle stays, and so does any when the current folder is gone."""
    with suppress(FileNotFoundError):
        return Path(os.path.realpath(path))
    return path
