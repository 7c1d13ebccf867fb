"""The arguments of `voxrun serve`: what may be said, and what was."""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryFile

from voxrun.cli.arguments import CommandParser, add_secrets, seconds, with_optional_values
from voxrun.cli.env_file import given_secrets, read_env_file
from voxrun.cli.sandbox import check_sandbox
from voxrun.errors import ConfigurationError
from voxrun.serving.doors import Keys
from voxrun.serving.host import HostSettings
from voxrun.serving.place import Place
from voxrun.serving.routes import Route, Routes
from voxrun.session.secrets import Secrets
from voxrun.session.session import IDLE_AFTER_CALL_SECONDS
from voxrun.transports.address import public

DESCRIPTION = """\
Answer many calls at once. They come as media-stream WebSockets, at /media/twilio, /media/telnyx,
/media/plivo, /media/voximplant or /media/l16 (Vonage, jambonz); a Twilio number can be pointed at
/twiml. Whoever comes needs the token, or the signature of the provider whose secret is given.
"""

EPILOG = """\
secrets of its own (--secret, --env-file or the environment):
  VOXRUN_TOKEN             what --token says, unseen by who lists processes
  TWILIO_AUTH_TOKEN        X-Twilio-Signature lets in as well
  PLIVO_AUTH_TOKEN         X-Plivo-Signature-V3 does
  VONAGE_SIGNATURE_SECRET  the signed token of Vonage's does
  VOXRUN_CONTROL_TOKEN     what --control-token says

The first Ctrl-C or SIGTERM takes no more calls and waits for those that run; the second ends at once.
SIGHUP, as when the terminal is closed, does what the first does.

exit status: 0 ended by a signal, 1 a scenario is no scenario, 2 wrong use, or a port is taken
"""

MOST_SILENT = 64
"""Connections from one address that have not yet said what they want; where calls come in, `most_silent` of them."""

MOST_SILENT_OF_ALL = 256
"""Those from all addresses."""

_LAST_PORT = 65535
_PUBLIC_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the arguments said; `local_agent` as in `RunOptions`."""

    host: str
    port: int
    keys: Keys
    public_url: str
    settings: HostSettings
    max_per_address: int
    drain: float
    local_agent: str | None
    secrets: Mapping[str, str]
    env_file: Mapping[str, str] | None
    """Those of the secrets that `--env-file` gave, if there was one."""
    sandbox: Path | None
    control: str
    """Where the control API listens, or is found if this is a worker; empty when there is none."""
    control_token: str
    control_url: str
    """Where the control API is found from outside; empty where it listens."""
    workers: int
    """Processes below this one; 0 when it takes the calls itself."""
    place: Place | None
    """What it has inherited if it is a worker."""
    spans: bool

    @property
    def most_silent(self) -> int:
        """Connections from one address that have not yet said what they want: behind a proxy, all calls at once."""
        return max(MOST_SILENT, self.settings.max_calls)

    def where(self, port: int) -> str:
        """The URL at which calls come in on the port that was bound."""
        return f"http://[{self.host}]:{port}" if ":" in self.host else f"http://{self.host}:{port}"


def parse(arguments: Sequence[str]) -> ServeOptions:
    """What was said. Ends the process, or raises ConfigurationError, for what can't be."""
    given = _parser().parse(with_optional_values(arguments))
    env_file = read_env_file(given.env_file) if given.env_file else None
    secrets = {**(env_file or {}), **given_secrets(given.secret, None)}
    known = Secrets(secrets, os.environ)
    keys = Keys(
        token=_key(given.token, known, "VOXRUN_TOKEN", "--token"),
        twilio=_key(None, known, "TWILIO_AUTH_TOKEN"),
        plivo=_key(None, known, "PLIVO_AUTH_TOKEN"),
        vonage=_key(None, known, "VONAGE_SIGNATURE_SECRET"),
    )
    if sys.platform == "win32" and given.workers:
        raise ConfigurationError(
            "--workers can't be had on Windows, which does not let processes share a port as they need it: leave it "
            "out, or begin several servers, each with a --listen of its own, behind a proxy"
        )
    host, port = _address(given.listen)
    if not _is_loopback(host) and not keys.token:
        raise ConfigurationError(
            f"--listen {given.listen} can be reached by others: give a --token that callers must show, "
            "or the secret VOXRUN_TOKEN"
        )
    routes = Routes(given.scenario, [Route.parse(text) for text in given.route])
    if given.worker is None:  # else it has been done, and what has gone wrong since keeps no other route from service
        _check_scenarios(routes, given.sandbox)
    settings = HostSettings(
        routes=routes.absolute(),
        max_calls=given.max_calls,
        record=given.record and _folder("--record", given.record, is_worker=given.worker is not None),
        trace=given.trace and _folder("--trace", given.trace, is_worker=given.worker is not None),
        idle_seconds=given.idle_timeout,
    )
    return ServeOptions(
        host=host,
        port=port,
        keys=keys,
        public_url=_public_url("--public-url", given.public_url),
        settings=settings,
        max_per_address=given.max_per_address or given.max_calls + MOST_SILENT,
        drain=given.drain,
        local_agent=given.local_agent,
        secrets=secrets,
        env_file=env_file,
        sandbox=None if given.sandbox is None else Path(given.sandbox or given.scenario.parent).absolute(),
        control=_control(given.control),
        control_token=_control_token(given, known),
        control_url=_public_url("--control-url", given.control_url),
        workers=0 if given.worker else given.workers,
        place=given.worker,
        spans=given.otel,
    )


def _parser() -> CommandParser:
    parser = CommandParser("voxrun serve", DESCRIPTION, EPILOG)
    add = parser.add_argument
    add("scenario", metavar="SCENARIO", type=Path, nargs="?", help="what answers calls that no --route is for")
    add(
        "--route",
        metavar="PATTERN=FILE",
        action="append",
        default=[],
        help="another scenario for dialled numbers "
        "(+4930*), or for paths (/media/*/sales), that are like PATTERN; the first one counts (may be repeated)",
    )
    add("--listen", metavar="HOST:PORT", default="127.0.0.1:8080", help="where calls come in (%(default)s)")
    add(
        "--token",
        metavar="TOKEN",
        help="what callers must show: Authorization: Bearer TOKEN, or Basic with it as the password, or "
        "X-Telnyx-Streaming-Auth-Token, or ?token=",
    )
    add("--public-url", metavar="URL", default="", help="where providers find this server, if its proxy does not say")
    add("--max-calls", metavar="N", type=_count, default=100, help="sessions at once (%(default)s)")
    add("--max-per-address", metavar="N", type=_count, help="connections from one address (those calls and a few)")
    add(
        "--idle-timeout",
        metavar="SECONDS",
        type=seconds,
        default=IDLE_AFTER_CALL_SECONDS,
        help="how long a session lives on after its call (%(default)s)",
    )
    add(
        "--drain",
        metavar="SECONDS",
        type=seconds,
        default=60.0,
        help="how long calls may go on after a signal to end (%(default)s)",
    )
    add("--record", metavar="FOLDER", type=Path, help="record every call there, in stereo")
    add("--trace", metavar="FOLDER", type=Path, help="write every session's trace there")
    add("--local-agent", metavar="[=FILE.toml]", help="ElevenLabs clients talk to an agent inside this process")
    add_secrets(parser, "what VoxEngine.getSecretValue(NAME) gives")
    add("--sandbox", metavar="[=FOLDER]", help="for others' .vox scenarios: they have FOLDER's files and these secrets")
    _add_operation(parser)
    return parser


def _add_operation(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("operation (needs the extra `serve`)").add_argument
    add("--control", metavar="HOST:PORT", default="", help="serve the control API and the metrics there")
    add("--control-token", metavar="TOKEN", help="what its clients must show: Authorization: Bearer TOKEN")
    add("--control-url", metavar="URL", default="", help="where others find it, if a proxy is before it")
    add(
        "--workers",
        metavar="N",
        type=_count,
        default=0,
        help="take the calls in N processes, one for each core, say; limits hold for all of them together",
    )
    add("--worker", type=Place.parse, help=argparse.SUPPRESS)
    add("--otel", action="store_true", help="OpenTelemetry spans of sessions and turns (needs the extra `otel`)")


def _control(text: str) -> str:
    if text:
        _address(text, "--control")
    return text


def _control_token(given: argparse.Namespace, known: Secrets) -> str:
    token = _key(given.control_token, known, "VOXRUN_CONTROL_TOKEN", "--control-token")
    if given.control and not token:
        raise ConfigurationError(
            "--control hands out all that is said in calls: give a --control-token, or the secret VOXRUN_CONTROL_TOKEN"
        )
    if not given.control and (given.control_token or given.control_url):
        raise ConfigurationError("--control-token and --control-url are of no use without --control HOST:PORT")
    return token


def _key(given: str | None, known: Secrets, name: str, option: str = "") -> str:
    """What was given, or else the secret; empty when there is neither. ConfigurationError if it can't be shown."""
    if given == "":  # as of a variable of the shell that is not set
        raise ConfigurationError(f"{option} is empty: give a token, or leave it out")
    key = given or known.get(name) or ""
    if key != key.strip() or not (key.isascii() and key.isprintable()):
        raise ConfigurationError(
            f"{name}, or what was given instead, has a space or line end around it, or what is not ASCII: "
            "nobody could ever show it"
        )
    return key


def _check_scenarios(routes: Routes, sandbox: str | None) -> None:
    if not routes.scenarios:
        raise ConfigurationError("say which SCENARIO answers the calls, or give a --route")
    for scenario in routes.scenarios:
        _check_readable(scenario)
    if sandbox == "" and routes.default is None:
        raise ConfigurationError("--sandbox needs a folder where there is no SCENARIO: --sandbox=FOLDER")
    if sandbox is not None:
        check_sandbox(Path(sandbox), routes.scenarios)


def _check_readable(scenario: Path) -> None:
    try:
        if scenario.is_file():
            scenario.open("rb").close()
            return
    except OSError as error:
        raise ConfigurationError(f"{scenario} can't be read: {error.strerror}") from error
    raise ConfigurationError(f"there is no scenario {scenario}: check the path")


def _folder(option: str, path: Path, *, is_worker: bool) -> Path:
    """`path`, absolute, made if there is none. ConfigurationError when no file can be made in it to begin with: what
    becomes of it later costs files, not calls, so a worker does with what there is.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        if not is_worker:
            raise ConfigurationError(f"{option} {path} can't be used: {error.strerror}") from error
    return path.absolute()


def _address(text: str, option: str = "--listen") -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) <= _LAST_PORT):
        raise ConfigurationError(f"{option} takes HOST:PORT, such as 127.0.0.1:8080, but was given '{public(text)}'")
    return host.strip("[]"), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _public_url(option: str, text: str) -> str:
    if text and not _PUBLIC_URL.fullmatch(text):
        raise ConfigurationError(f"{option} takes an address such as https://calls.example.com, not '{public(text)}'")
    return text.rstrip("/")


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of them")
    return int(text)
