"""`protect_request`: what a request's headers and address say of who asks is kept out of all output."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from urllib.parse import unquote_plus

from voxrun.session.current import current_session

_SECRET = re.compile("authorization|cookie|key|password|secret|token", re.IGNORECASE)
_SECRET_IN_QUERY = re.compile("(auth|key|password|secret|signature|token)$", re.IGNORECASE)  # not `keyword`


def protect_request(*parameters: object) -> None:
    """Of a function's `parameters`, before anything can go wrong and show one of them or the scenario's line.

    One may be the URL, or headers in the wrong place. Others have a `url`, `headers`, and `params` and `postData` by
    name. Each may be given in another way than the function wants it: that is for others to refuse, who may show it.
    """
    session = current_session()
    for given in parameters:
        request = given if isinstance(given, Mapping) else {"url" if isinstance(given, str) else "headers": given}
        for name, value in _named(request.get("headers")):
            if isinstance(name, str) and isinstance(value, str) and _SECRET.search(name):
                session.protect(value.strip())
                session.protect(value.rpartition(" ")[2])  # without "Bearer"
        data = request.get("postData")
        queries = _query_of(request.get("url")), request.get("params"), data if isinstance(data, Mapping) else None
        for name, value in chain.from_iterable(map(_named, queries)):
            if isinstance(name, str) and isinstance(value, str) and _SECRET_IN_QUERY.search(name):
                session.protect(value)
                session.protect(unquote_plus(value))


def _query_of(url: object) -> str:
    """As it is written: an address with a mistake in it is shown so."""
    return url.partition("?")[2].partition("#")[0] if isinstance(url, str) else ""


def _named(given: object) -> Iterator[tuple[object, object]]:
    """What is given by name, as a query, or in a list of texts such as "Accept: text/html", of objects or of pairs."""
    if isinstance(given, Mapping):
        yield from given.items()
    elif isinstance(given, str):
        for pair in given.split("&"):
            name, _, value = pair.partition("=")
            yield name, value
    for each in given if isinstance(given, list | tuple) else ():
        if isinstance(each, Mapping):
            yield each.get("name"), each.get("value")
        elif isinstance(each, str):
            name, _, value = each.partition(":")
            yield name, value
        elif isinstance(each, list | tuple) and len(each) == 2:
            yield each[0], each[1]
