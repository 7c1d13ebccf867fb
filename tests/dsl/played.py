"""A `.vox` scenario written down in a test, run in virtual time."""

from pathlib import Path
from textwrap import dedent, indent

from tests.kit import Ran, ScriptedLeg, Setting, simulate

SECRET = "s3cret-value-of-a-key"


def play(folder: Path, source: str, setting: Setting | None = None) -> Ran:
    """The run of a whole file."""
    path = folder / "scenario.vox"
    path.write_text(dedent(source).lstrip("\n"))
    return simulate(path, setting)


def play_statements(folder: Path, statements: str, seconds: float = 30.0) -> Ran:
    """So much of the run of statements with an answered `call`.

    `any(x)` is x, of which the checker knows nothing any more.
    """
    source = "\n".join(
        [
            "require ElevenLabs",
            "fn any(x) { return x }",
            "",
            "on AppEvents.CallAlerting as event {",
            "    const call = event.call",
            "    call.answer()",
            "    any([call, event, ElevenLabs])",
            indent(dedent(statements).strip("\n"), "    "),
            "}",
        ]
    )
    setting = Setting(leg=ScriptedLeg(), secrets={"KEY": SECRET}, stop_after=seconds, idle_seconds=20.0)
    return play(folder, source, setting)
