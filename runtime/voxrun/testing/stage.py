"""`Stage`: where a `Simulation` is played: a session with all that it meets, in one trio run."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import trio
import trio.testing

from voxrun.api.language import language_of
from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError, ScenarioError, VoxrunError
from voxrun.events.websocket import WebSocketEvents
from voxrun.media.leg import Leg, Party
from voxrun.media.ticker import Ticker
from voxrun.protocol.elevenlabs.cassette import Cassette, read_cassette
from voxrun.providers.elevenlabs.cassette_recorder import CassetteRecorder
from voxrun.providers.elevenlabs.text_to_speech import synthesise
from voxrun.session.failure import OWN_MODULES
from voxrun.session.http_request import HttpAsk, reply_to
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import IDLE_AFTER_CALL_SECONDS, IDLE_SECONDS, Outcome, Session
from voxrun.testing.agent import Agent, SpeechService
from voxrun.testing.air import Air
from voxrun.testing.caller import Caller, Say
from voxrun.testing.caller_leg import CallerLeg
from voxrun.testing.caller_play import CallerPlay
from voxrun.testing.control import HOST, ControlAction, ControlConnection, ControlReply, ControlRequest
from voxrun.testing.differences import differences
from voxrun.testing.disk import Disk
from voxrun.testing.faults import Cut, Fault, Impair, Refuse, SlowDisk, Stall
from voxrun.testing.moments import After, At, Awaited, Step
from voxrun.testing.network import SimulatedNetwork
from voxrun.testing.news import News, Play
from voxrun.testing.rtp_caller import RtpCaller
from voxrun.testing.rtp_peer import RtpFarEnd, RtpPeer
from voxrun.testing.service import BASE_URL, Service
from voxrun.testing.simulated_call import SimulatedCall, Talker, no_track
from voxrun.testing.sound_devices import SimulatedDevices
from voxrun.testing.sounds import Sound, render
from voxrun.testing.standstill import STOOD_STILL, Standstill
from voxrun.testing.visitors import Visitors
from voxrun.testing.web import Answer, Web
from voxrun.trace.words import Record

API_KEY = "xi-simulated-key-0123456789"
"""The secret ELEVENLABS_API_KEY, unless the test gives another."""

LIMIT_SECONDS = 600.0
"""A session that is not over by then is ended with an error."""

SETTLE_SECONDS = 2.0
"""How long the peers may take to notice that the session is over."""

_VOICES = ("agentStarts", "agentStops", "callerStarts", "callerStops")
"""The cues that are what somebody says and hears."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """All that a simulated call is made of, as `SimulationParameters` says."""

    scenario: Path
    caller: Caller | None = field(default_factory=Caller)
    agents: Sequence[Agent] = (Agent(),)
    speech: SpeechService = field(default_factory=SpeechService)
    rtp: Mapping[str, RtpPeer] = field(default_factory=dict)
    microphone: Sequence[Step[Say]] = ()
    faults: Sequence[Step[Fault]] = ()
    control: Sequence[Step[ControlAction]] = ()
    customData: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    web: Mapping[str, Answer] = field(default_factory=dict)
    idleSeconds: float | None = None
    limitSeconds: float = LIMIT_SECONDS
    seed: int = 0
    folder: Path = Path()
    files: Path | None = None
    cassette: Cassette | None = None
    """What the agents are from, if they are."""


class Stage:
    """Plays a simulation once. `scope` is that of the session, for who wants to break it off."""

    def __init__(self, wanted: Simulation) -> None:
        self.scope = trio.CancelScope()
        self.seed = wanted.seed
        self.mistake: ConfigurationError | None = None
        """What is wrong with the simulation itself: the session takes it for a failure of its own."""
        self._wanted = wanted
        self._random = Random(wanted.seed)
        self._air = Air(self._random)
        self._records: list[Record] = []
        self._taken_down: list[str] = []
        self._leftovers: list[str] = []
        self._modules = _scenario_modules()  # left by a session that somebody killed, if there are any
        self._replies: list[ControlReply] = []
        self._idle_cuts: set[int] = set()
        self._outcome = Outcome("cancelled", None)
        self._seconds = 0.0
        self._caller: CallerLeg | RtpCaller | None = None
        self._peers: dict[str, RtpFarEnd] = {}
        self._devices: SimulatedDevices
        self._faults: Play[Fault]
        self._control: Play[ControlAction]
        self._network: SimulatedNetwork
        self._visitors: Visitors
        self._news: News
        self._disk: Disk
        self._service: Service
        self._web = Web(wanted.web, self._render, lambda: self._news.now())

    async def run(self) -> None:
        """Play it."""
        wanted = self._wanted
        self._network, self._news = SimulatedNetwork(), News()
        self._visitors = Visitors(self._network, self._render, self._news.now)
        self._disk = Disk(self._network, wanted.files, partial(synthesise, self._network, API_KEY, base_url=BASE_URL))
        self._service = Service(wanted.agents, wanted.speech, self._news, self._render)
        self._devices = SimulatedDevices(wanted.microphone, self._aside(), self._render)
        async with trio.open_nursery() as nursery:
            await self._service.start(self._network, nursery)
            await self._web.start(self._network, nursery)
            ticker = Ticker()
            nursery.start_soon(ticker.run)
            idle = IDLE_SECONDS if wanted.caller is None else IDLE_AFTER_CALL_SECONDS
            idle_seconds = idle if wanted.idleSeconds is None else wanted.idleSeconds
            session = Session(wanted.scenario, self._services(), ticker, idle_seconds=idle_seconds)
            self._control = Play(self._news, partial(self._steer, session, nursery))
            if any(isinstance(step.action, ControlConnection) for step in wanted.control):
                await self._visitors.receive(session, nursery)
            tasks = trio.lowlevel.current_statistics().tasks_living
            await self._play(session)
            await self._settle(tasks)
            nursery.cancel_scope.cancel(reason="the simulation is over")

    def call(self) -> SimulatedCall:
        """What came of it."""
        caller = self._caller
        desk = self._devices.play
        return SimulatedCall(
            outcome=self._outcome,
            records=self._records,
            seconds=self._seconds,
            caller=Talker(no_track(), no_track(), "") if caller is None else _talker(caller),
            rtp={address: _talker(peer) for address, peer in self._peers.items()},
            microphone=desk.said,
            speaker=desk.heard,
            agents=self._service.conversations,
            spoken=self._service.spoken,
            requests=self._service.requests,
            webRequests=self._web.requests,
            replies=self._replies,
            files=self._disk.written,
            unplayed=[] if caller is None else [repr(step.action) for step in caller.play.pending],
            awaited=list(self._awaited()),
            alone=list(self._alone()),
            leftovers=self._leftovers,
            differences=self._differences(),
            uncalled=self._service.uncalled,
            unheard=self._service.unheard,
        )

    def _awaited(self) -> Iterator[Awaited]:
        yield from (Awaited(of, step) for of, play in self._plays() if (step := play.awaited) is not None)
        yield from (Awaited("agent", step) for step in self._service.awaited)
        yield from self._late()

    def _late(self) -> Iterator[Awaited]:
        """What comes after somebody's own end, or goes wrong after the session's if that came of the caller's."""
        over = f"the session was over at {self._seconds:.3f} s, after the caller had hung up"
        has_left = self._caller is not None and self._caller.play.has_left
        for of, play in self._plays():
            if play.awaited is not None:
                continue
            if isinstance(play, CallerPlay) and play.too_late is not None:
                yield Awaited(of, play.too_late, "they had hung up before")
            elif has_left and of == "faults":
                yield from (Awaited(of, step, over) for step in play.pending if self._is_late(step))
        left = "the agent had ended the connection before"
        yield from (Awaited("agent", step, left) for step in self._service.undone)
        yield from self._in_vain()

    def _in_vain(self) -> Iterator[Awaited]:
        """The faults that met nobody."""
        for step in self._wanted.faults:
            if isinstance(step.action, Cut) and id(step.action) in self._idle_cuts:
                yield Awaited("faults", step, "there was no connection to break")
            elif isinstance(step.action, Impair) and step.action != Impair() and not self._air.packets:
                yield Awaited("faults", step, "no packets of RTP were sent: a caller with rtp= does")

    def _is_late(self, step: Step[Any]) -> bool:
        return isinstance(step.moment, At) and step.moment.seconds > self._seconds

    def _plays(self) -> Iterator[tuple[str, CallerPlay | Play[Any]]]:
        """Those of all timelines but the agents', who may be asked more than once, and what they are of."""
        if self._caller is not None:
            yield "caller", self._caller.play
        yield from (("rtp", peer.play) for peer in self._peers.values())
        yield from (("microphone", self._devices.play), ("faults", self._faults), ("control", self._control))

    def _alone(self) -> Iterator[str]:
        made = WebSocketEvents.CREATED
        yield from self._web.alone(has_sockets=any(record.get("name") == made for record in self._records))
        yield from self._service.unasked
        for address, peer in self._peers.items():
            if peer.trouble:
                yield f"rtp= has somebody at {address}, but {peer.trouble}"
        if not any(peer.trouble for peer in self._peers.values()):  # or both are told of the same
            yield from map(_deaf_unit, filter(_hears_nothing, self._records))
        if self._wanted.microphone and not self._devices.play.said.seconds:
            yield "microphone= has steps, but the scenario made no microphone"

    def _differences(self) -> list[str]:
        recorded, lines = self._wanted.cassette, self._taken_down
        if recorded is None:
            return []
        return differences(recorded, read_cassette(lines, "this call") if lines else Cassette("this call", ()))

    async def _play(self, session: Session) -> None:
        session.trace_log.subscribe(self._note)
        trio.lowlevel.add_instrument(Standstill(session, self._break_off))
        self._faults = Play(self._news, partial(self._go_wrong, session))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._faults.run, self._wanted.faults)
            nursery.start_soon(self._limit, session)
            leg, party = self._call_in(nursery)
            for address, peer in self._wanted.rtp.items():
                self._peers[address] = RtpFarEnd(address, peer, self._aside(), self._render, self._air)
                nursery.start_soon(self._peers[address].run)
            await trio.testing.wait_all_tasks_blocked()  # a fault at 0 s is there from the beginning
            session.access_url = f"{HOST}/request/{session.id}"
            session.custom_data = self._wanted.customData or party.customData
            nursery.start_soon(self._control.run, self._wanted.control)
            with self.scope:
                self._outcome = await session.run(leg, party)
            self._seconds = self._news.now()
            nursery.cancel_scope.cancel(reason="the session is over")

    def _services(self) -> Services:
        secrets = Secrets({"ELEVENLABS_API_KEY": API_KEY, **self._wanted.secrets}, {})
        is_replay = self._wanted.cassette is not None
        return Services(
            secrets=secrets,
            cassette=CassetteRecorder(self._taken_down.append, secrets.scrub, keeps_audio=False) if is_replay else None,
            network=self._network,
            offload=self._disk.offload,
            random=self._random,
            base_urls={"elevenlabs": BASE_URL},
            sounds=self._disk,
            datagrams=self._air.listen,
            devices=self._devices,
            language=language_of(self._wanted.scenario),
        )

    def _call_in(self, nursery: trio.Nursery) -> tuple[Leg | None, Party]:
        caller = self._wanted.caller
        if caller is None:
            return None, Party()
        party = Party(
            callerid=caller.callerid,
            destination=caller.destination,
            displayName=caller.displayName,
            headers=caller.headers,
            customData=caller.customData,
        )
        if caller.rtp is None:
            self._caller = CallerLeg(caller, self._news, self._render)
            nursery.start_soon(self._caller.play.give_up)
            return self._caller, party
        self._caller = RtpCaller(caller, self._news, self._render, self._air)
        nursery.start_soon(self._caller.run)
        return self._caller.leg, party

    def _aside(self) -> News:
        """For somebody whose voice and ears are no cue for others."""
        return News(self._news, _VOICES, tells=False)

    def _render(self, sound: Sound, rate: int, /) -> Samples:
        try:
            return render(sound, rate, (self._wanted.folder, self._wanted.scenario.parent))
        except ConfigurationError as error:
            self.mistake = error
            raise

    def _note(self, line: str) -> None:
        record = json.loads(line)
        self._records.append(record)
        if record["kind"] == "event":
            self._news.tell("event", record["name"])

    async def _go_wrong(self, session: Session, fault: Fault) -> None:
        session.trace("fault", what=repr(fault))
        match fault:
            case Cut():
                if not self._network.cut():
                    self._idle_cuts.add(id(fault))
            case Stall(seconds):
                await self._network.stall(seconds)
            case Refuse(seconds):
                await self._network.refuse(seconds)
            case Impair():
                self._air.impairment = fault
            case SlowDisk(seconds):
                self._disk.seconds = seconds

    async def _steer(self, session: Session, nursery: trio.Nursery, action: ControlAction) -> None:
        match action:
            case ControlRequest(content, method, headers):
                path = session.access_url.removeprefix(HOST)
                reply = await reply_to(session, HttpAsk(method, path, content, dict(headers)))
                self._replies.append(ControlReply(self._news.now(), int(reply.status), reply.content))
            case ControlConnection(talk):
                self._replies.append(await nursery.start(self._visitors.come, session.access_url, talk))

    def _break_off(self, error: VoxrunError) -> None:
        self._outcome = Outcome(STOOD_STILL, error)
        self.scope.cancel(reason=STOOD_STILL)

    async def _limit(self, session: Session) -> None:
        await trio.sleep(self._wanted.limitSeconds)
        limit = f"not over within {self._wanted.limitSeconds:g} s"
        session.broke(ScenarioError(f"{limit}: {self._why_not_over()}"))
        session.terminate(limit)

    def _why_not_over(self) -> str:
        waits = [step.moment for step in self._caller.play.pending] if self._caller is not None else []
        cue = next((moment.cue for moment in waits if isinstance(moment, After)), None)
        if cue is not None:
            return f"the caller still waits until {cue}"
        late = [moment.seconds for moment in waits if isinstance(moment, At)]
        if late and min(late) >= self._wanted.limitSeconds:
            return f"the caller's next step is at {min(late):g} s"
        return "does the caller hang up, or the scenario end the session?"

    async def _settle(self, tasks: int) -> None:
        """Give the peers time to see that all is over, then look who is left."""
        with trio.move_on_after(SETTLE_SECONDS):
            await self._network.quiet()
            await self._web.quiet()
            await self._visitors.quiet()
        await trio.testing.wait_all_tasks_blocked()
        left = trio.lowlevel.current_statistics().tasks_living - tasks
        if left:
            self._leftovers.append(f"{left} tasks are left")
        self._leftovers += [f"module {name} is left" for name in sorted(_scenario_modules() - self._modules)]


def _scenario_modules() -> set[str]:
    return {name for name in sys.modules if name.startswith(OWN_MODULES)}


def _hears_nothing(record: Record) -> bool:
    return record["kind"] == "losses" and bool(record.get("packets_not_authentic")) and not record["packets_received"]


def _deaf_unit(record: Record) -> str:
    return f"{record['of']} was sent what its keys don't open: RtpPeer(steps, crypto=…) has the key of the unit"


def _talker(far_end: CallerLeg | RtpFarEnd) -> Talker:
    return Talker(far_end.play.said, far_end.play.heard, "".join(far_end.digits))
