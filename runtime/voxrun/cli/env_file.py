"""What `--secret` and `--env-file` give: names and values, from arguments and from files of `NAME=VALUE` lines."""

from collections.abc import Sequence
from pathlib import Path

from voxrun.errors import ConfigurationError


def given_secrets(arguments: Sequence[str], file: Path | None) -> dict[str, str]:
    """Those of the file, if there is one, then the arguments' own. ConfigurationError for what says none."""
    secrets = read_env_file(file) if file else {}
    for given in arguments:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise ConfigurationError("--secret takes NAME=VALUE")
        secrets[name] = value
    return secrets


def read_env_file(path: Path) -> dict[str, str]:
    """The names and values of a file; `#` begins a comment line, quotes around a value are taken off.

    ConfigurationError for a file that can't be read or a line that is neither; the text of a line is never shown.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigurationError(f"--env-file {path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigurationError(f"--env-file {path} can't be read: it is no text in UTF-8") from None
    values = {}
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ConfigurationError(
                f"{path}:{number}: this line is not NAME=VALUE (it is not shown, as it may hold a secret)"
            )
        values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
