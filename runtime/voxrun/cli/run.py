"""`voxrun SCENARIO`: one session from the terminal."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from voxrun.cli.live import LiveView
from voxrun.cli.status import INTERRUPTED, status_of
from voxrun.cli.view import JsonView, PlainView
from voxrun.errors import ConfigurationError
from voxrun.media.file_leg import FileLeg
from voxrun.media.leg import Leg, Party
from voxrun.media.recorded_leg import RecordedLeg
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import IDLE_SECONDS, Outcome, Session
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.network import TcpNetwork
from voxrun.transports.sound_device import SoundDeviceLeg
from voxrun.transports.wav import WavWriter

IDLE_AFTER_CALL_SECONDS = 1.0

LOCAL_KEY = "local-agent"
"""Stands in for ELEVENLABS_API_KEY when the local agent runs: a real key never leaves for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the arguments said; `local_agent` is the script's path, empty for the built-in one, None for no agent."""

    scenario: Path
    call: str | None
    record: Path | None
    local_agent: str | None
    secrets: Mapping[str, str]
    trace: Path | None
    json: bool
    idle_timeout: float | None


def run(options: RunOptions) -> int:
    """Run one session to its end; returns the exit status."""
    with ExitStack() as files:
        leg, party = _open_leg(options, files)
        trace = files.enter_context(_trace_file(options.trace)) if options.trace else None
        return trio.run(_run, options, leg, party, trace)


async def _run(options: RunOptions, leg: Leg | None, party: Party, trace: Callable[[str], None] | None) -> int:
    secrets = dict(options.secrets)
    base_urls = {}
    interrupted = trio.Event()
    ticker = Ticker()
    async with trio.open_nursery() as nursery:
        if options.local_agent is not None:
            from voxrun.localagent.server import serve_agent  # noqa: PLC0415 - brings the speech libraries in

            port = await nursery.start(serve_agent, TcpNetwork(), "127.0.0.1", 0, options.local_agent)
            base_urls["elevenlabs"] = f"http://127.0.0.1:{port}"
            secrets["ELEVENLABS_API_KEY"] = LOCAL_KEY
        services = Services(secrets=Secrets(secrets, os.environ), network=TcpNetwork(), base_urls=base_urls)
        idle = IDLE_SECONDS if leg is None else IDLE_AFTER_CALL_SECONDS
        idle_seconds = idle if options.idle_timeout is None else options.idle_timeout
        session = Session(options.scenario, services, ticker, idle_seconds=idle_seconds)
        _subscribe_view(options, session, nursery)
        if trace is not None:
            session.trace_log.subscribe(trace)
        if base_urls:
            session.trace("log", message=f"ElevenLabs clients talk to the local agent at {base_urls['elevenlabs']}")
        nursery.start_soon(ticker.run)
        nursery.start_soon(_watch_signals, session, interrupted, nursery.cancel_scope)
        outcome: Outcome = await session.run(leg, party)
        session.trace("clock", late_ticks=ticker.late, skipped_ticks=ticker.skipped)
        nursery.cancel_scope.cancel(reason="the session is over")
    return INTERRUPTED if interrupted.is_set() else status_of(outcome.error)


async def _watch_signals(session: Session, interrupted: trio.Event, everything: trio.CancelScope) -> None:
    """The first Ctrl-C or SIGTERM ends the session as the scenario would; the second doesn't wait for handlers."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if interrupted.is_set():
                everything.cancel(reason="interrupted twice")
            interrupted.set()
            session.terminate("interrupted")


def _subscribe_view(options: RunOptions, session: Session, nursery: trio.Nursery) -> None:
    if options.json:
        session.trace_log.subscribe(JsonView().show)
    elif sys.stdout.isatty():
        live = LiveView(lambda: session.call)
        session.trace_log.subscribe(live.show)
        nursery.start_soon(live.run)
    else:
        session.trace_log.subscribe(PlainView().show)


def _open_leg(options: RunOptions, files: ExitStack) -> tuple[Leg | None, Party]:
    if options.call == "none":
        if options.record is not None:
            raise ConfigurationError("--record has nothing to record with --call none")
        return None, Party()
    leg: Leg
    if options.call is None:
        leg, party = SoundDeviceLeg(), Party(callerid="microphone")
    else:
        source = AudioFile(Path(options.call))
        files.callback(source.close)
        leg, party = FileLeg(source), Party(callerid=Path(options.call).stem)
    if options.record is not None:
        try:
            writer = WavWriter(options.record, rate=leg.rate, channels=2)
        except OSError as error:
            raise ConfigurationError(f"--record {options.record} can't be written: {error.strerror}") from error
        files.callback(writer.close)
        leg = RecordedLeg(leg, writer, str(options.record))
    return leg, party


@contextmanager
def _trace_file(path: Path) -> Iterator[Callable[[str], None]]:
    try:
        with path.open("w", buffering=1) as file:
            yield lambda line: print(line, file=file)  # noqa: T201 - into the file
    except OSError as error:
        raise ConfigurationError(f"--trace {path} can't be written: {error.strerror}") from error
