"""`protect_headers`: what a request's headers say of who asks is kept out of all output."""

import re
from collections.abc import Iterator, Mapping

from voxrun.session.current import current_session

_SECRET = re.compile("authorization|cookie|key|password|secret|token", re.IGNORECASE)


def protect_headers(*parameters: object) -> None:
    """Of a function's `parameters`, before anything can go wrong and show the scenario's line.

    They have `headers` by name, or a list of texts such as "Accept: text/html" or of objects with a name and a value;
    what is none of that is for others to refuse.
    """
    session = current_session()
    for given in parameters:
        for name, value in _headers_in(given.get("headers") if isinstance(given, Mapping) else None):
            if isinstance(name, str) and isinstance(value, str) and _SECRET.search(name):
                session.protect(value.strip())
                session.protect(value.rpartition(" ")[2])  # without "Bearer"


def _headers_in(given: object) -> Iterator[tuple[object, object]]:
    if isinstance(given, Mapping):
        yield from given.items()
    for header in given if isinstance(given, list | tuple) else ():
        if isinstance(header, Mapping):
            yield header.get("name"), header.get("value")
        elif isinstance(header, str):
            name, _, value = header.partition(":")
            yield name, value
