"""The command line: arguments, exit statuses, what the terminal shows."""

from voxrun.cli.main import main

__all__ = ["main"]
