"""`main`: arguments in, exit status out."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from voxrun.cli.env_file import read_env_file
from voxrun.cli.run import RunOptions, run
from voxrun.cli.status import status_of
from voxrun.errors import ConfigurationError, VoxrunError

DESCRIPTION = """\
Run a voice-call scenario: a Python file that reacts to call and agent events.

  voxrun scenario.py                         call it with this machine's microphone and speaker
  voxrun scenario.py --call hello.flac       call it with an audio file
  voxrun scenario.py --call none             no call: the scenario only gets AppEvents.Started
  voxrun agent                               serve the local agent by itself (voxrun agent --help)
"""

EPILOG = """\
exit status: 0 ended well, 1 the scenario failed, 2 wrong use, 3 a peer or device could not be reached, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["agent"]:
            from voxrun.cli.agent import agent  # noqa: PLC0415 - brings the speech libraries in

            return agent(arguments[1:])
        return run(_parse(arguments))
    except VoxrunError as error:
        print(f"voxrun: {error}", file=sys.stderr)  # noqa: T201 - the command line speaks here
        return status_of(error)


def _parse(arguments: list[str]) -> RunOptions:
    # `--local-agent FILE` would swallow the scenario in `voxrun --local-agent scenario.py`: only `=FILE` is a value.
    arguments = ["--local-agent=" if argument == "--local-agent" else argument for argument in arguments]
    options = _parser().parse_args(arguments)
    secrets = read_env_file(options.env_file) if options.env_file else {}
    for given in options.secret:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise ConfigurationError("--secret takes NAME=VALUE")
        secrets[name] = value
    return RunOptions(
        scenario=options.scenario,
        call=options.call,
        record=options.record,
        local_agent=options.local_agent,
        secrets=secrets,
        trace=options.trace,
        json=options.json,
        idle_timeout=options.idle_timeout,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "voxrun",
        usage="voxrun SCENARIO [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("scenario", metavar="SCENARIO", type=Path, help="the scenario file (.py)")
    call = parser.add_argument_group("the call")
    call.add_argument(
        "--call",
        metavar="FILE|none",
        help="the caller: an audio file (wav, flac, ogg, mp3), played in real time and followed by silence; "
        "or none. Without it: microphone and speaker",
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
        type=float,
        help="how long the session lives without a call (1 after a call, 60 with --call none)",
    )
    agent = parser.add_argument_group("the agent")
    agent.add_argument(
        "--local-agent",
        metavar="=SCRIPT.toml",
        help="ElevenLabs clients talk to an agent inside this process: no account, no network",
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
