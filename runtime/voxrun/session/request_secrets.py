"""`protect_request`: what a request's headers and address say of who asks is kept out of all output."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from urllib.parse import unquote_plus

from voxrun.session.current import current_session

_SECRET = re.compile("auth(?!or)|authorization|cookie|key|passw|passphrase|secret|signature|token", re.IGNORECASE)
_SECRET_IN_QUERY = re.compile(  # not `keyword`
    r"(auth|authorization|key|password|passwd|passphrase|secret|signature|token|(?<![a-z])(jwt|pass|pwd|sig))\]?$",
    re.IGNORECASE,
)
_BEFORE_HOST = re.compile(r"://(?:(?P<lone>[^/?#:@]*)|[^/?#:@[]*:(?!\d+/)(?P<password>[^?#]*))@")
_PART_LENGTH = 8
"""A shorter part of a header's value, such as the `dark` of a cookie, says nothing of who asks."""


def protect_request(*parameters: object) -> None:
    """Of a function's `parameters`, before anything can go wrong and show one of them or the scenario's line.

    One may be the URL, or headers in the wrong place. Others have a `url` or `baseUrl`, `headers`, `params`,
    `queryParameters` and `postData` by name, or `segments` that have. Each may be given in another way than the
    function wants it: that is for others to refuse, who may show it.
    """
    session = current_session()
    for secret in chain.from_iterable(map(_secrets_of, parameters)):
        session.protect(secret)


def lets_in(header: str) -> bool:
    """Whether a header of that name says who asks, in a way that nobody else may know."""
    return _SECRET.search(header) is not None


def _secrets_of(given: object) -> Iterator[str]:
    texts = {"url": given, "headers": None if isinstance(given, str) else given}
    request = given if isinstance(given, Mapping) else texts
    for name, value in chain(_named(request.get("headers")), _named(request.get("initializeConnectionParameters"))):
        if isinstance(name, str) and lets_in(name):
            yield from chain.from_iterable(map(_parts_of, _texts(value)))
    data = request.get("postData")
    queries = [request.get("params"), request.get("queryParameters"), data if isinstance(data, Mapping) else None]
    for url in chain(_texts(request.get("url")), _texts(request.get("baseUrl"))):
        yield from _before_host(url)
        queries.append("&".join(re.split("[?&;#]", url)[1:]))
    for name, value in chain.from_iterable(map(_named, queries)):
        if isinstance(name, str) and _SECRET_IN_QUERY.search(unquote_plus(name)):
            for text in _texts(value):
                yield text
                yield unquote_plus(text)
    segments = request.get("segments")
    yield from chain.from_iterable(map(_secrets_of, segments if isinstance(segments, list | tuple) else ()))


def _parts_of(value: str) -> Iterator[str]:
    """A header's value, also without "Bearer", and what it has by name, as cookies and digests do."""
    yield value.strip()
    yield value.rpartition(" ")[2]
    parts = (part.partition("=")[2].strip(' "') for part in re.split("[;,]", value))
    yield from (part for part in parts if len(part) >= _PART_LENGTH)


def _before_host(url: str) -> Iterator[str]:
    """The password, or a name without one, as it is written: an address with a mistake in it is shown so."""
    if found := _BEFORE_HOST.search(url):
        secret = found["lone"] or found["password"] or ""
        yield secret
        yield unquote_plus(secret)


def _texts(given: object) -> Iterator[str]:
    """`given`, if it is a text, in bytes or not, or those in it if it is a list."""
    for each in given if isinstance(given, list | tuple) else [given]:
        if isinstance(each, str | bytes):
            yield each if isinstance(each, str) else each.decode(errors="replace")


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
