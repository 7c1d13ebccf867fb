"""`COMMANDS`: the sub-commands of `voxrun`, which are the functions of the same name in the files of the same name."""

from pathlib import Path

from voxrun.nearest import nearest

COMMANDS = {
    "agent": ("[options]", "serve the local agent by itself"),
    "check": ("FILE...", "find mistakes without running"),
    "devices": ("", "list microphones and speakers"),
    "fmt": ("FILE...", "bring .vox files into the one layout"),
    "lsp": ("", "help an editor with them"),
    "new": ("NAME", "begin a scenario, with a test"),
    "rtp": ("--sdp URL", "tell other programs of an RTP call"),
    "test": ("[PATH...]", "run the tests of scenarios"),
    "serve": ("SCENARIO", "answer many calls at once, from phones"),
    "trace": ("FILE", "read what --trace has written"),
}
"""What each is called with, and what it does. A file is imported when its command is given: each brings much along."""


def usage() -> str:
    """The head of the help page."""
    lines = (f"       voxrun {f'{name} {takes}':<20} {does}" for name, (takes, does) in COMMANDS.items())
    return "\n".join(("voxrun SCENARIO [options]", *lines))


def meant(word: str) -> str:
    """A question about the sub-command that `word` may be a misspelling of; empty for options, and for files."""
    near = "" if word.startswith("-") or Path(word).suffix else nearest(word, COMMANDS)
    return f"did you mean `voxrun {near}`?" if near else ""
