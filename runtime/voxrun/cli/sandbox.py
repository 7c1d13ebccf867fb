"""`--sandbox`, in every command that has it: whose scenarios it is for, and what they know of this machine."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from voxrun.cli.paths import is_there
from voxrun.errors import ConfigurationError


def check_sandbox(folder: Path, scenarios: Iterable[Path]) -> None:
    """ConfigurationError for a scenario that it can't hold, or a folder that is none."""
    if any(scenario.suffix != ".vox" for scenario in scenarios):
        raise ConfigurationError("--sandbox is for .vox scenarios: one in Python can do whatever you can")
    if not (is_there(folder) and folder.is_dir()):
        raise ConfigurationError(f"--sandbox {folder} is no folder")


def environment(sandbox: Path | None) -> Mapping[str, str]:
    """Where scenarios find secrets they were not given: other people's find nothing of what this machine knows."""
    return os.environ if sandbox is None else {}
