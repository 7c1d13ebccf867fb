"""`voxrun serve`: many calls at once, from phone numbers."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

import trio

import voxrun
import voxrun.events
from voxrun.api.language import language_of
from voxrun.cli.collector import tame_collector
from voxrun.cli.interrupt import Interruption
from voxrun.cli.printout import printed_at_once
from voxrun.cli.run import LOCAL_KEY
from voxrun.cli.sandbox import environment
from voxrun.cli.serve_log import Log, SessionLog, shortages_told, tell_refusals
from voxrun.cli.serve_options import MOST_SILENT_OF_ALL, ServeOptions, parse
from voxrun.cli.speech import speech
from voxrun.cli.status import OK
from voxrun.errors import ConfigurationError
from voxrun.media.ticker import Ticker
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.serving.common_table import CommonTable
from voxrun.serving.doors import Doors
from voxrun.serving.host import Host
from voxrun.serving.phone import BODY_LIMIT, MESSAGE_LIMIT, Phone
from voxrun.serving.place import InheritedNetwork
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services, in_thread
from voxrun.session.stray import hide_in_strays
from voxrun.session.unawaited import tell_unawaited
from voxrun.session.versions import Versions
from voxrun.session.watchdog import Watchdog
from voxrun.transports.network import Network, TcpNetwork
from voxrun.transports.server import Limits
from voxrun.transports.server import serve as serve_requests
from voxrun.transports.sound_library import SoundLibrary
from voxrun.transports.turnstile import Turnstile

if sys.platform != "win32":
    import resource

OWN_SECRETS = ("VOXRUN_TOKEN", "VOXRUN_CONTROL_TOKEN")

MOST_FILES_OF_MACOS = 10240
"""OPEN_MAX: what setrlimit(2) takes there, where the limit itself may be none."""

SWITCH_SECONDS = 0.0001
"""How long a thread that computes keeps the interpreter once the media clock wants it, which is so at each message that
goes out: with Python's 5 ms, a scenario's thread or a trace that is fetched would stop 50 calls altogether.
"""


def serve(arguments: list[str]) -> int:
    """Serve until interrupted; returns the exit status."""
    options = parse(arguments)
    _import_extras(options)
    _allow_many_files()
    tell_unawaited()
    hide_in_strays()
    sys.setswitchinterval(SWITCH_SECONDS)
    with printed_at_once() as missing:
        _serve(options, arguments, Log(options.place.number if options.place else 0, missing))
    return OK


def _serve(options: ServeOptions, arguments: list[str], log: Log) -> None:
    versions = Versions(log.tell)
    # What is wrong in a scenario is told now, and its language loaded.
    for mistake in options.settings.routes.mistakes(lambda scenario: versions.read(scenario, language_of(scenario))):
        if options.place is None:
            raise mistake
        log.tell(f"{str(mistake).splitlines()[0]}; until that is mended, its calls fail")
    if not options.workers:
        _load_api()
    tame_collector()
    with shortages_told(log):
        if options.workers:
            from voxrun.cli.serve_workers import serve_workers  # noqa: PLC0415 - an extra

            trio.run(serve_workers, options, arguments, log)
        else:
            trio.run(serve_calls, options, versions, log)


def _import_extras(options: ServeOptions) -> None:
    """While there is no clock yet that it would hold up. ConfigurationError names what is not installed."""
    wanted = {
        "voxrun.cli.serve_workers": ("serve", options.workers),
        "voxrun.cli.serve_control": ("serve", options.control or options.place),
        "voxrun.serving.turn_spans": ("otel", options.spans),
    }
    for module, (extra, is_wanted) in wanted.items():
        try:
            if is_wanted:
                import_module(module)
        except ImportError as error:
            raise ConfigurationError(f"this needs {error.name}, an extra: pip install 'voxrun[{extra}]'") from None


def _load_api() -> None:
    """All that calls may use: one that were the first to ask for some of it would hold up the others."""
    for namespace in (voxrun, voxrun.events, voxrun.VoxEngine, voxrun.ElevenLabs):
        dir(namespace)
    for codec in CODECS.values():
        with suppress(ConfigurationError):  # it is told when a call asks for it
            codec.new_decoder()


async def serve_calls(options: ServeOptions, versions: Versions, log: Log) -> None:
    """Serve until a signal says to stop, or until a worker's supervisor does, or is gone."""
    async with trio.open_nursery() as nursery:
        stop = trio.Event()
        interruption = Interruption(partial(nursery.cancel_scope.cancel, reason="interrupted"))
        interruption.end = stop.set
        with interruption.on_signals():
            nursery.start_soon(Watchdog(breaks_in=True).run)
            host = await _start_host(options, versions, nursery)
            host.observers.append(SessionLog(log))
            network = InheritedNetwork(options.place, host.hesitation) if options.place else TcpNetwork()
            await _open_control(options, host, network, log, stop.set, nursery)
            phone = Phone(host, Doors(options.keys, time.time, host.table, options.public_url))
            refusals = host.counters.refusals
            nursery.start_soon(tell_refusals, refusals, log)
            silent, of_all = options.most_silent, max(MOST_SILENT_OF_ALL, 2 * options.most_silent)
            turnstile = Turnstile(options.max_per_address, silent, of_all, refusals, host.table)
            limits = Limits(body=BODY_LIMIT, message=MESSAGE_LIMIT, turnstile=turnstile)
            listen = partial(serve_requests, network, options.host, options.port, phone.handle, limits=limits)
            port = await nursery.start(listen)
            if options.place is None:
                log.tell(f"calls are taken on {options.where(port)}")
            await stop.wait()
            log.tell(f"no more calls are taken; {len(host.sessions)} go on for at most {options.drain:g} s")
            await host.drain(options.drain)
            log.tell("all calls are over")
        nursery.cancel_scope.cancel(reason="the server ends")


async def _open_control(
    options: ServeOptions, host: Host, network: Network, log: Log, stop: Callable[[], None], nursery: trio.Nursery
) -> None:
    if options.spans:
        from voxrun.serving.turn_spans import TurnSpans  # noqa: PLC0415 - an extra

        TurnSpans(host)
    if options.control or options.place:
        from voxrun.cli.serve_control import open_control  # noqa: PLC0415 - an extra

        url = await open_control(options, host, network, stop, nursery)
        if options.place is None:
            log.tell(f"the control API is at {url}")


async def _start_host(options: ServeOptions, versions: Versions, nursery: trio.Nursery) -> Host:
    base_urls, secrets = {}, dict(options.secrets)
    network = TcpNetwork()
    if options.local_agent is not None:
        from voxrun.localagent.server import serve_agent  # noqa: PLC0415 - brings the speech libraries in

        port = await nursery.start(serve_agent, TcpNetwork(), "127.0.0.1", 0, options.local_agent)
        base_urls["elevenlabs"] = f"http://127.0.0.1:{port}"
        secrets["ELEVENLABS_API_KEY"] = LOCAL_KEY

    def services_for(scenario: Path) -> Services:
        known = Secrets(_for_scenarios(secrets), _for_scenarios(environment(options.sandbox)))
        keys = options.keys
        for key in (keys.token, keys.twilio, keys.plivo, keys.vonage, options.control_token):
            known.protect(key)
        voice = speech(network, known, local=options.local_agent is not None)
        return Services(
            secrets=known,
            network=network,
            base_urls=base_urls,
            sounds=SoundLibrary(network, in_thread, voice, options.sandbox),
            language=language_of(scenario),
            versions=versions,
            is_sandboxed=options.sandbox is not None,
        )

    ticker = Ticker()
    table = options.place.open_table() if options.place else CommonTable()
    host = Host(services_for, ticker, options.settings, table)
    nursery.start_soon(ticker.run)
    await nursery.start(host.run)
    return host


def _for_scenarios(values: Mapping[str, str]) -> dict[str, str]:
    """Without what opens this server's own doors: a scenario that asks for it could hear all other calls."""
    return {name: value for name, value in values.items() if name not in OWN_SECRETS}


def _allow_many_files() -> None:
    """A call takes up to four: let this process have as many as the system allows."""
    if sys.platform != "win32":  # which has no such limit
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = max(soft, min(hard, MOST_FILES_OF_MACOS)) if sys.platform == "darwin" else hard
        if soft != most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
