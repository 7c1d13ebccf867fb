"""`main`: arguments in, exit status out."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, get_args

from voxrun.cli.devices import devices
from voxrun.cli.env_file import read_env_file
from voxrun.cli.rtp import rtp
from voxrun.cli.run import RunOptions, run
from voxrun.cli.status import INTERRUPTED, status_of
from voxrun.cli.view import visible
from voxrun.errors import ConfigurationError, VoxrunError
from voxrun.session.failure import first_of
from voxrun.transports.sound.echo import EchoMode

USAGE = """\
voxrun SCENARIO [options]
       voxrun agent [options]      serve the local agent by itself
       voxrun devices              list microphones and speakers
       voxrun rtp --sdp URL        tell other programs of an RTP call"""

DESCRIPTION = """\
Run a voice-call scenario: a Python file that reacts to call and agent events.

  voxrun scenario.py                    call it with microphone and speaker
  voxrun scenario.py --call hello.flac  call it with an audio file
  voxrun scenario.py --call none        no call: it only gets AppEvents.Started
  voxrun scenario.py --local-agent      no account: talk to an agent right here
"""

EPILOG = """\
exit status: 0 ended well, 1 the scenario failed, 2 wrong use,
             3 a peer or device could not be reached, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # `voxrun … >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal that knows no UTF-8 shows what it can
        sys.stdout.reconfigure(errors="backslashreplace")
    status = INTERRUPTED
    try:
        status = _run(arguments)
    except* VoxrunError as errors:
        error = first_of(errors)
        print(f"voxrun: {visible(str(error))}", file=sys.stderr)  # noqa: T201 - the command line speaks here
        status = status_of(error)
    except* KeyboardInterrupt:
        pass
    return status


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["agent"]:
        from voxrun.cli.agent import agent  # noqa: PLC0415 - brings the speech libraries in

        return agent(arguments[1:])
    if arguments[:1] == ["devices"]:
        return devices(arguments[1:])
    if arguments[:1] == ["rtp"]:
        return rtp(arguments[1:])
    return run(_parse(arguments))


def _parse(arguments: list[str]) -> RunOptions:
    # `--local-agent FILE` would swallow the scenario in `voxrun --local-agent scenario.py`: only `=FILE` is a value.
    arguments = ["--local-agent=" if argument == "--local-agent" else argument for argument in arguments]
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        _refuse(parser, unknown)
    secrets = read_env_file(options.env_file) if options.env_file else {}
    for given in options.secret:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise ConfigurationError("--secret takes NAME=VALUE")
        secrets[name] = value
    return RunOptions(
        scenario=options.scenario,
        call=options.call,
        echo=options.echo,
        record=options.record,
        local_agent=options.local_agent,
        secrets=secrets,
        trace=options.trace,
        json=options.json,
        idle_timeout=options.idle_timeout,
    )


def _refuse(parser: argparse.ArgumentParser, unknown: list[str]) -> NoReturn:
    """End with a message that shows no more than the names of options: the rest may be a secret gone astray."""
    options = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
    parser.error(f"there is no option {', '.join(options)}" if options else "only one SCENARIO can be run")


def _seconds(text: str) -> float:
    """A time to wait. ArgumentTypeError when it is none."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "voxrun",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("scenario", metavar="SCENARIO", type=Path, help="the scenario file (.py)")
    call = parser.add_argument_group("the call")
    call.add_argument(
        "--call",
        metavar="FILE|mic|rtp://…|none",
        help="the caller: an audio file (wav, flac, ogg, mp3), then silence; mic (microphone and speaker) if not "
        "given; none; RTP, rtp://127.0.0.1:4000?remote=127.0.0.1:4002&codec=PCMU",
    )
    call.add_argument(
        "--echo",
        choices=get_args(EchoMode),
        default="auto",
        help="lest the agent hears itself: cancel (the extra aec), gate (no microphone while the speaker plays), off; "
        "if not given, what there is",
    )
    call.add_argument(
        "--record",
        metavar="OUT.wav",
        type=Path,
        help="record in stereo: left what the caller said, right what they heard",
    )
    call.add_argument(
        "--idle-timeout",
        metavar="SECONDS",
        type=_seconds,
        help="how long the session lives without a call (1 after a call, 60 with --call none)",
    )
    agent = parser.add_argument_group("the agent")
    agent.add_argument(
        "--local-agent",
        metavar="[=FILE.toml]",
        help="ElevenLabs clients talk to an agent inside this process: no account, no network; FILE.toml is what it "
        "expects to hear and what it answers",
    )
    agent.add_argument(
        "--secret",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="what VoxEngine.getSecretValue(NAME) gives, before the environment; never shown (may be repeated)",
    )
    agent.add_argument("--env-file", metavar="FILE", type=Path, help="more of them, a NAME=VALUE line each")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--trace", metavar="OUT.jsonl", type=Path, help="write every event and message, a JSON line each"
    )
    output.add_argument("--json", action="store_true", help="print those lines instead of the conversation")
    parser.add_argument("--version", action="version", version=f"voxrun {version('voxrun')}")
    return parser
