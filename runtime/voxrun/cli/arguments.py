"""What the arguments of several commands have in common: how they are parsed, secrets, and times to wait."""

import argparse
from collections.abc import Sequence
from pathlib import Path

OPTIONAL_VALUES = ("--local-agent", "--sandbox")
"""Options that need no value; one that they have is given with `=`."""


def command_parser(
    command: str, description: str, epilog: str = "", usage: str | None = None
) -> argparse.ArgumentParser:
    """A parser that shows both texts as they are written, and takes options by their whole names only."""
    return argparse.ArgumentParser(
        command,
        usage,
        description,
        epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_secrets(parser: argparse.ArgumentParser | argparse._ArgumentGroup, what: str) -> None:
    """`--secret`, which is `what`, and `--env-file`: `given_secrets` knows what they give."""
    parser.add_argument("--secret", metavar="NAME=VALUE", action="append", default=[], help=what)
    parser.add_argument("--env-file", metavar="FILE", type=Path, help="more of them, a NAME=VALUE line each")


def with_optional_values(arguments: Sequence[str]) -> list[str]:
    """For argparse, which would take the scenario in `voxrun --local-agent scenario.py` for the option's value."""
    return [f"{argument}=" if argument in OPTIONAL_VALUES else argument for argument in arguments]


def seconds(text: str) -> float:
    """A time to wait. ArgumentTypeError when it is none."""
    try:
        time = float(text)
    except ValueError:
        time = -1.0
    if not time >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return time
