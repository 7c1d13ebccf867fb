"""`voxrun lsp`: the language server for `.vox` scenarios, for editors to start; it talks over stdin and stdout."""

import argparse
from collections.abc import Sequence

from voxrun.api.surface import scenario_surface
from voxrun.cli.status import OK
from voxrun.errors import ConfigurationError


def lsp(arguments: Sequence[str]) -> int:
    """Serve until the editor hangs up; returns the exit status. ConfigurationError without the extra."""
    argparse.ArgumentParser("voxrun lsp", description=__doc__, allow_abbrev=False).parse_args(arguments)
    try:
        from voxrun.editor.server import language_server  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise ConfigurationError("the language server needs an extra: pip install 'voxrun[lsp]'") from None
    language_server(scenario_surface()).start_io()
    return OK
