"""The whole exception tree, and a word on one of Python's. Nothing here imports anything.

    VoxrunError
    ├── ScenarioError        the user's file is wrong: carries where, once that is known
    ├── ConfigurationError   arguments, secrets, files, devices or extras are wrong or missing
    ├── RemoteError          a peer refused, broke or vanished: carries its code and reason
    ├── DeviceError          a disk or sound device failed while in use
    ├── LocalProtocolError   we broke a protocol: a bug of ours
    └── InternalError        another bug of ours: it ends the session that met it

Each message says what happened and what to do next; it may span lines.
"""


class VoxrunError(Exception):
    """Anything voxrun raises on purpose."""


class ScenarioError(VoxrunError):
    """The scenario did something it can't.

    `where` is "file:line" of the user's own code and `excerpt` that line's text; both are empty
    until the session, which sees the traceback, has filled them in.
    """

    def __init__(self, message: str, *, where: str = "", excerpt: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.excerpt = excerpt

    def __str__(self) -> str:
        located = f"{self.where}: {self.message}" if self.where else self.message
        return f"{located}\n    {self.excerpt}" if self.excerpt else located


class ConfigurationError(VoxrunError):
    """The run was set up wrongly: an argument, a secret, a file, a device, a missing extra."""


class RemoteError(VoxrunError):
    """A peer refused, closed early, spoke nonsense or could not be reached.

    `code` is the HTTP status or WebSocket close code when there is one, else 0; `reason` is the peer's own text.
    `failure` is what went wrong on the way to it, in a word: "host", "connection", "network", "time" or "size".
    """

    def __init__(self, message: str, *, code: int = 0, reason: str = "", failure: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.failure = failure


class DeviceError(VoxrunError):
    """A disk or sound device that worked at first failed while in use."""


class LocalProtocolError(VoxrunError):
    """We were about to send what the protocol forbids in this state."""


class InternalError(VoxrunError):
    """Code of ours failed in a way that it must not. The session that met it ends, others go on."""


def half_a_pair(error: BaseException) -> str:
    """What to say when `error` is about half of a surrogate pair, which UTF-8 can't hold; nothing about another."""
    if not isinstance(error, UnicodeEncodeError) or error.reason != "surrogates not allowed":
        return ""
    return f"{error.object[error.start]!a} in a text is half of a surrogate pair and no character: leave it out"
