"""`Address`: where a URL points, split for a connection and a request line."""

import re
import string
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from voxrun.errors import ConfigurationError

_BEGINNING = re.compile(r"([^/@]*://)(?:[^/]*@)?((?:\[[^]/]*\]?|[^/:]*)(?::\d+)?(?:/.*)?)", re.DOTALL)


def public(url: str) -> str:
    """`url` without what may be secret in it: a name and password before the host, and all that follows the path.

    What does not begin as a URL may be one with a password that was put in as it is: then it ends before that, or
    begins after it.
    """
    told = re.split("[?#]", url, maxsplit=1)[0]
    if found := _BEGINNING.fullmatch(told):
        told = found[1] + found[2]
    elif "@" in url:
        told = told.rpartition("@")[2] if "@" in told else told.rpartition(":")[0] or told
    return told.encode(errors="backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class Address:
    """A peer and what to ask it for. `str()` gives "host:port", all that errors name: a query may hold a secret."""

    host: str
    port: int
    tls: bool
    target: str
    """Path and query as they go into the request line, ASCII (RFC 9112 section 3.2.1)."""

    @classmethod
    def parse(cls, url: str, *, plain: str, secure: str) -> "Address":
        """Split `url`, whose scheme must be `plain` ("http", "ws") or `secure` ("https", "wss").

        Raises ConfigurationError for any other scheme, a missing host or a bad port, and for a name or password in it,
        which would not be sent.
        """
        wrong = ConfigurationError(f"'{public(url)}' is not a {plain}:// or {secure}:// address")
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna").decode("ascii")
            port = parts.port
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            target = quote(path, safe=string.punctuation)
        except ValueError:  # UnicodeError, for names that are no host names and half a surrogate pair, is one
            raise wrong from None
        if parts.scheme not in (plain, secure) or not host or not host.isprintable():
            raise wrong
        if "@" in parts.netloc:
            raise ConfigurationError(
                f"'{public(url)}' came with a name or password before the host: give them in the header Authorization"
            )
        tls = parts.scheme == secure
        default = 443 if tls else 80
        return cls(host, default if port is None else port, tls, target)

    @property
    def authority(self) -> str:
        """The Host header's value (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
