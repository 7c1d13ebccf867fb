"""`voxrun SCENARIO`: one session from the terminal."""

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import trio

from voxrun.api.language import language_of
from voxrun.cli.collector import tame_collector
from voxrun.cli.commands import meant
from voxrun.cli.failure_trace import keep_trace
from voxrun.cli.interrupt import Interruption
from voxrun.cli.output import complain, guarded, is_left, silence_output
from voxrun.cli.paths import is_there, real
from voxrun.cli.sandbox import check_sandbox, environment
from voxrun.cli.speech import speech
from voxrun.cli.status import INTERRUPTED, status_of
from voxrun.cli.view import JsonView, PlainView
from voxrun.errors import ConfigurationError, DeviceError
from voxrun.media.file_leg import FileLeg
from voxrun.media.leg import Leg, Party
from voxrun.media.recorded_leg import RecordedLeg
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services, in_thread
from voxrun.session.session import IDLE_AFTER_CALL_SECONDS, IDLE_SECONDS, Session
from voxrun.session.stray import hide_in_strays
from voxrun.session.unawaited import tell_unawaited
from voxrun.session.watchdog import Watchdog
from voxrun.transports.address import public
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.network import TcpNetwork
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.echo import EchoMode
from voxrun.transports.sound.leg import SoundDeviceLeg
from voxrun.transports.sound_library import SoundLibrary
from voxrun.transports.wav import WavWriter

if TYPE_CHECKING:
    from voxrun.providers.elevenlabs.cassette_recorder import CassetteRecorder

LOCAL_KEY = "local-agent-asks-for-no-key"
"""Stands in for ELEVENLABS_API_KEY when the local agent runs: a real key never leaves for it.

As a secret it is taken out of all output, so it must be nothing that a message says.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the arguments said; `local_agent` is the script's path, empty for the built-in one, None for no agent."""

    scenario: Path
    call: str | None
    echo: EchoMode
    record: Path | None
    local_agent: str | None
    secrets: Mapping[str, str]
    env_file: Path | None
    trace: Path | None
    json: bool
    idle_timeout: float | None
    sandbox: Path | None
    cassette: Path | None
    cassette_audio: bool


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What lines are written to."""

    view: TextIO
    trace: BinaryIO | None
    cassette: BinaryIO | None


def run(options: RunOptions) -> int:
    """Run one session to its end; returns the exit status."""
    _check_paths(options)
    tell_unawaited()
    hide_in_strays()
    with ExitStack() as files:
        devices = SoundDevices(options.echo)
        leg, party = _open_leg(options, files, devices)
        trace = None if options.trace is None else files.enter_context(_open_output("--trace", options.trace))
        cassette = None
        if options.cassette is not None:
            cassette = files.enter_context(_open_output("--cassette", options.cassette))
        view = sys.stdout
        if options.json:  # what the scenario prints is no line of JSON
            files.enter_context(redirect_stdout(sys.stderr))
        tame_collector()
        return trio.run(_run, options, leg, party, _Outputs(view, trace, cassette), devices)


async def _run(options: RunOptions, leg: Leg | None, party: Party, outputs: _Outputs, devices: SoundDevices) -> int:
    status = INTERRUPTED
    async with trio.open_nursery() as nursery:
        interruption = Interruption(partial(nursery.cancel_scope.cancel, reason="interrupted"))
        with interruption.on_signals():
            services = await _start_services(options, nursery, devices)
            if outputs.cassette is not None:
                write = _lines_into(outputs.cassette, "--cassette", lambda error: session.broke(error))
                services = replace(services, cassette=_recorder(options, write, services.secrets))
            idle = IDLE_SECONDS if leg is None else IDLE_AFTER_CALL_SECONDS
            idle_seconds = idle if options.idle_timeout is None else options.idle_timeout
            ticker = Ticker()
            session = Session(options.scenario, services, ticker, idle_seconds=idle_seconds)
            interruption.end = partial(session.interrupt, "interrupted")
            if outputs.trace is not None:
                session.trace_log.subscribe(_lines_into(outputs.trace, "--trace", session.broke))
            _subscribe_view(options, session, nursery, interruption, outputs.view)
            session.trace_log.introduce(scenario=str(options.scenario), session=session.id)
            if services.base_urls:
                session.trace("local_agent", url=services.base_urls["elevenlabs"])
            nursery.start_soon(ticker.run)
            nursery.start_soon(Watchdog(breaks_in=False).run)
            outcome = await session.run(leg, party)
            status = status_of(outcome.error)
            if outcome.error is not None and outputs.trace is None:
                keep_trace(session, options.scenario)
        nursery.cancel_scope.cancel(reason="the session is over")
    return INTERRUPTED if interruption.happened else status


async def _start_services(options: RunOptions, nursery: trio.Nursery, devices: SoundDevices) -> Services:
    secrets = dict(options.secrets)
    base_urls = {}
    if options.local_agent is not None:
        from voxrun.localagent.server import serve_agent  # noqa: PLC0415 - brings the speech libraries in

        port = await nursery.start(serve_agent, TcpNetwork(), "127.0.0.1", 0, options.local_agent)
        base_urls["elevenlabs"] = f"http://127.0.0.1:{port}"
        secrets["ELEVENLABS_API_KEY"] = LOCAL_KEY
    network = TcpNetwork()
    known = Secrets(secrets, environment(options.sandbox))
    voice = speech(network, known, local=options.local_agent is not None)
    return Services(
        secrets=known,
        network=network,
        base_urls=base_urls,
        sounds=SoundLibrary(network, in_thread, voice, options.sandbox),
        language=language_of(options.scenario),
        is_sandboxed=options.sandbox is not None,
        devices=devices,
    )


def _subscribe_view(
    options: RunOptions, session: Session, nursery: trio.Nursery, interruption: Interruption, out: TextIO
) -> None:
    def on_failure(error: OSError) -> None:
        silence_output(out)
        if is_left(error):  # `voxrun … | head`: whoever read this has seen enough
            if not interruption.happened:  # else Ctrl-C ended the reader as well, and is no second one
                interruption.serve()
        else:
            failure = DeviceError(f"the output can't be written: {error.strerror}; the call goes on")
            complain(f"voxrun: {failure}")  # the view can't say it any more
            session.broke(failure)

    if options.json:
        show = JsonView(out).show
    elif out.isatty():
        from voxrun.cli.live import LiveView  # noqa: PLC0415 - rich is slow to start, and only terminals need it

        live = LiveView(lambda: session.call)
        nursery.start_soon(live.run)
        show = live.show
    else:
        show = PlainView(out).show
    session.trace_log.subscribe(guarded(show, on_failure))


def _lines_into(file: BinaryIO, option: str, broke: Callable[[DeviceError], None]) -> Callable[[str], None]:
    def on_failure(error: OSError) -> None:
        broke(DeviceError(f"{option} {file.name} can't be written: {error.strerror}; what was written before is kept"))

    def write(line: str) -> None:
        rest = memoryview(f"{line}\n".encode())
        while rest:  # a pipe that is full takes only a part when the watchdog's signal comes
            rest = rest[file.write(rest) :]

    return guarded(write, on_failure)


def _recorder(options: RunOptions, write: Callable[[str], None], secrets: Secrets) -> "CassetteRecorder":
    from voxrun.providers.elevenlabs.cassette_recorder import CassetteRecorder  # noqa: PLC0415 - few runs need it

    return CassetteRecorder(write, secrets.scrub, scenario=options.scenario.name, keeps_audio=options.cassette_audio)


def _check_paths(options: RunOptions) -> None:
    """ConfigurationError for a scenario that isn't there, and before a file that is read would be overwritten."""
    if not is_there(options.scenario):
        advice = meant(str(options.scenario)) or "check the path"
        raise ConfigurationError(f"there is no scenario {options.scenario}: {advice}")
    if options.scenario.is_dir():
        raise ConfigurationError(f"{options.scenario} is a folder: name the scenario file in it")
    if options.sandbox is not None:
        check_sandbox(options.sandbox, [options.scenario])
    used = {real(options.scenario): "the scenario"}
    for what, path in (
        ("the --call file", options.call),
        ("the agent's script", options.local_agent),
        ("the --env-file", options.env_file),
    ):
        if path:
            used[real(Path(path))] = what
    for option, output in (
        ("--record", options.record),
        ("--trace", options.trace),
        ("--cassette", options.cassette),
    ):
        if output is None:
            continue
        if real(output) in used:
            raise ConfigurationError(f"{option} {output} would overwrite {used[real(output)]}: give another name")
        used[real(output)] = f"what {option} writes"


def _open_leg(options: RunOptions, files: ExitStack, devices: SoundDevices) -> tuple[Leg | None, Party]:
    if options.call == "none":
        if options.record is not None:
            raise ConfigurationError("--record has nothing to record with --call none")
        return None, Party()
    leg: Leg
    if options.call is None or options.call == "mic":
        leg, party = SoundDeviceLeg(devices), Party(callerid="microphone")
    elif options.call.startswith("rtp://"):
        from voxrun.transports.rtp_session import open_rtp_leg, parse_rtp_url  # noqa: PLC0415 - brings the codecs in

        rtp = open_rtp_leg(parse_rtp_url(options.call))
        files.callback(rtp.close)
        leg, party = rtp, Party(callerid="rtp")
    elif not options.call or "://" in options.call:
        raise ConfigurationError(
            f"--call takes an audio file, an rtp:// address, mic or none, but was given '{public(options.call)}'"
        )
    else:
        source = AudioFile(Path(options.call))
        files.callback(source.close)
        leg, party = FileLeg(source), Party(callerid=Path(options.call).stem)
    if options.record is not None:
        if options.record.suffix.lower() not in ("", ".wav"):
            raise ConfigurationError(f"--record {options.record} would be a wav file: give a name that ends with .wav")
        try:
            writer = WavWriter(options.record, rate=leg.rate, channels=2)
        except OSError as error:
            raise _unwritable("--record", options.record, error) from error
        files.callback(writer.close)
        leg = RecordedLeg(leg, writer, f"--record {options.record}")
    return leg, party


def _open_output(option: str, path: Path) -> BinaryIO:
    try:
        return path.open("wb", buffering=0)
    except OSError as error:
        raise _unwritable(option, path, error) from error


def _unwritable(option: str, path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{option} {path} can't be written: {error.strerror}")
