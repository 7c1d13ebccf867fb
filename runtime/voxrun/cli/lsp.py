"""`voxrun lsp`: the language server for `.vox` scenarios, for editors to start; it talks over stdin and stdout."""

from collections.abc import Sequence

from voxrun.api.surface import scenario_surface
from voxrun.cli.arguments import CommandParser
from voxrun.cli.status import OK
from voxrun.errors import ConfigurationError


def lsp(arguments: Sequence[str]) -> int:
    """Serve until the editor hangs up; returns the exit status. ConfigurationError without the extra."""
    CommandParser("voxrun lsp", __doc__).parse(arguments)
    try:
        from voxrun.editor.server import language_server  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise ConfigurationError("the language server needs an extra: pip install 'voxrun[lsp]'") from None
    language_server(scenario_surface()).start_io()
    return OK
