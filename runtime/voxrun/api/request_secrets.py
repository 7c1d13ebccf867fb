"""`protect_request`: what a request's headers and address say of who asks is kept out of all output."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_plus

from voxrun.session.current import current_session

_SECRET = re.compile("authorization|cookie|key|password|secret|token", re.IGNORECASE)
_SECRET_IN_QUERY = re.compile("(auth|key|password|secret|signature|token)$", re.IGNORECASE)  # not `keyword`


def protect_request(*parameters: object) -> None:
    """Of a function's `parameters`, before anything can go wrong and show the scenario's line.

    One may be the URL. Others have a `url`, `params` by name, and `headers` by name, or a list of texts such as
    "Accept: text/html" or of objects with a name and a value; what is none of that is for others to refuse.
    """
    session = current_session()
    for given in parameters:
        request = given if isinstance(given, Mapping) else {"url": given}
        for name, value in _headers_in(request.get("headers")):
            if isinstance(name, str) and isinstance(value, str) and _SECRET.search(name):
                session.protect(value.strip())
                session.protect(value.rpartition(" ")[2])  # without "Bearer"
        for name, value in (*_query_of(request.get("url")), *_named(request.get("params"))):
            if isinstance(name, str) and isinstance(value, str) and _SECRET_IN_QUERY.search(name):
                session.protect(value)
                session.protect(unquote_plus(value))


def _query_of(url: object) -> Iterator[tuple[str, str]]:
    """As it is written: an address with a mistake in it is shown so."""
    for pair in url.partition("?")[2].partition("#")[0].split("&") if isinstance(url, str) else ():
        name, _, value = pair.partition("=")
        yield name, value


def _named(given: object) -> Iterator[tuple[object, object]]:
    if isinstance(given, Mapping):
        yield from given.items()


def _headers_in(given: object) -> Iterator[tuple[object, object]]:
    yield from _named(given)
    for header in given if isinstance(given, list | tuple) else ():
        if isinstance(header, Mapping):
            yield header.get("name"), header.get("value")
        elif isinstance(header, str):
            name, _, value = header.partition(":")
            yield name, value
