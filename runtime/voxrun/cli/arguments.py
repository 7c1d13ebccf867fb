"""What the arguments of several commands have in common: how they are parsed, secrets, and times to wait."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from voxrun.nearest import nearest

OPTIONAL_VALUES = ("--local-agent", "--sandbox")
"""Options that need no value; one that they have is given with `=`."""


class CommandParser(argparse.ArgumentParser):
    """Shows both texts as they are written, and takes options by their whole names only."""

    def __init__(self, command: str, description: str | None, epilog: str = "", usage: str | None = None) -> None:
        super().__init__(
            command,
            usage,
            description,
            epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def parse(
        self, arguments: Sequence[str], too_many: str = "these are more arguments than it takes"
    ) -> argparse.Namespace:
        """What was said. Ends the process for what can't be: what is unknown is shown by the names of its options, as
        the rest may be a secret gone astray; where it has none it is `too_many`.
        """
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            self.error(self._question([it.partition("=")[0] for it in unknown if it.startswith("-")]) or too_many)
        return options

    def _question(self, names: Sequence[str]) -> str:
        known = [name for action in self._actions for name in action.option_strings]
        near = [f"`{it}`" for it in (nearest(name, known) for name in names) if it]
        question = f"; did you mean {', '.join(near)}?" if near else ""
        return f"there is no option {', '.join(names)}{question}" if names else ""


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
