"""`language_of`: what understands a scenario beside Python."""

from pathlib import Path

from voxrun.session.services import Language


def language_of(scenario: Path) -> Language | None:
    """The scenario language's way to be read, for a `.vox` file."""
    if scenario.suffix != ".vox":
        return None
    from voxrun.api.vox import vox_language  # noqa: PLC0415 - its parser is slow to start

    return vox_language
