"""The arguments of `voxrun SCENARIO`: what may be said, and what was."""

import argparse
from pathlib import Path
from typing import get_args

from voxrun.cli.arguments import OPTIONAL_VALUES, CommandParser, add_secrets, seconds, with_optional_values
from voxrun.cli.commands import meant, usage
from voxrun.cli.env_file import given_secrets
from voxrun.cli.output import say
from voxrun.cli.run import RunOptions
from voxrun.transports.sound.echo import EchoMode

DESCRIPTION = """\
Run a voice-call scenario: a file (.py or .vox) that reacts to call events.

  voxrun scenario.py                    call it with microphone and speaker
  voxrun scenario.py --call hello.flac  call it with an audio file
  voxrun scenario.py --local-agent      no account: talk to an agent right here
"""

EPILOG = """\
exit status: 0 ended well, 1 the scenario failed, 2 wrong use,
             3 a peer or device could not be reached, 130 interrupted
"""


def parse(arguments: list[str]) -> RunOptions:
    """What was said. Ends the process with a message, and exit status 2, for what can't be."""
    values = [f"{name} takes a value only as {name}=…" for name in OPTIONAL_VALUES if name in arguments]
    too_many = filter(None, ("only one SCENARIO can be run", *map(meant, arguments[:1]), *values))
    options = _parser().parse(with_optional_values(arguments), "; ".join(too_many))
    return RunOptions(
        scenario=options.scenario,
        call=options.call,
        echo=options.echo,
        record=options.record,
        local_agent=options.local_agent,
        secrets=given_secrets(options.secret, options.env_file),
        env_file=options.env_file,
        trace=options.trace,
        json=options.json,
        idle_timeout=options.idle_timeout,
        sandbox=None if options.sandbox is None else Path(options.sandbox or options.scenario.parent),
        cassette=options.cassette,
        cassette_audio=not options.no_cassette_audio,
    )


class _Version(argparse.Action):
    """argparse's own would have to know the version from the start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # noqa: PLC0415 - takes 1.2 MiB, for as long as a call goes on

        say(f"voxrun {version('voxrun')}")
        parser.exit()


def _parser() -> CommandParser:
    parser = CommandParser("voxrun", DESCRIPTION, EPILOG, usage())
    parser.add_argument("scenario", metavar="SCENARIO", type=Path, help="the scenario file (.py or .vox)")
    parser.add_argument(
        "--sandbox",
        metavar="[=FOLDER]",
        help="for somebody else's .vox scenario: it reaches the files in FOLDER (its own, if not given), and no others",
    )
    _add_call(parser.add_argument_group("the call"))
    _add_agent(parser.add_argument_group("the agent"))
    _add_output(parser.add_argument_group("output"))
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    return parser


def _add_call(call: argparse._ArgumentGroup) -> None:
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
        type=seconds,
        help="how long the session lives without a call (1 after a call, 60 with --call none)",
    )


def _add_agent(agent: argparse._ArgumentGroup) -> None:
    agent.add_argument(
        "--local-agent",
        metavar="[=FILE.toml]",
        help="ElevenLabs clients talk to an agent inside this process: no account, no network; FILE.toml is what it "
        "expects to hear and what it answers",
    )
    add_secrets(
        agent, "what VoxEngine.getSecretValue(NAME) gives, before the environment; never shown (may be repeated)"
    )


def _add_output(output: argparse._ArgumentGroup) -> None:
    output.add_argument(
        "--trace", metavar="OUT.jsonl", type=Path, help="write every event and message, a JSON line each"
    )
    output.add_argument("--cassette", metavar="FILE", type=Path, help="record the talk with the agent, for tests")
    output.add_argument("--no-cassette-audio", action="store_true", help="in it, keep only how loud the audio was")
    output.add_argument("--json", action="store_true", help="print those lines instead of the conversation")
