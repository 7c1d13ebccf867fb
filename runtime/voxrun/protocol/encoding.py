"""`encode`: what a scenario passes, as JSON for the wire."""

import msgspec

from voxrun.errors import LocalProtocolError, half_a_pair


def encode(what: str, value: object) -> str:
    """`value` as JSON; LocalProtocolError, which names `what`, when it has no JSON form."""
    try:
        return msgspec.json.encode(value, enc_hook=_plain_string).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"{what} can't be sent as JSON: {half_a_pair(error) or error}") from error


def _plain_string(value: object) -> str:
    """msgspec refuses subclasses of str, and event names are one."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
