"""`simulate`: a scenario with a scripted caller and agent, in virtual time, on the runtime's own parts."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol, TypedDict, Unpack

import trio
import trio.testing

from voxrun.errors import ConfigurationError
from voxrun.protocol.rtp.codecs import codec_named
from voxrun.session.failure import first_of
from voxrun.session.unawaited import tell_unawaited
from voxrun.testing.agent import Agent, AgentAction, Close, SpeechService, Turn, Vanish
from voxrun.testing.caller import Caller, CallerAction, HangUp, Say
from voxrun.testing.cassette import FromCassette, agents_of, caller_of, load
from voxrun.testing.control import ControlAction
from voxrun.testing.faults import Fault
from voxrun.testing.given import SECRETS, Only, Positive, Seconds, check, check_given
from voxrun.testing.moments import Step, after, check_all, check_end, check_steps, previous
from voxrun.testing.rtp_peer import RtpPeer
from voxrun.testing.scheduling import in_order
from voxrun.testing.simulated_call import SimulatedCall
from voxrun.testing.stage import Simulation, Stage
from voxrun.testing.web import Answer


class SimulationParameters(TypedDict, total=False):
    """`caller`: steps, or a `Caller`; None for a session without a call. `agent`: one, or one for each connection.

    `rtp`: who is at the addresses that RTP units talk to: steps, or an `RtpPeer`. `microphone`: what is said into it.
    `control`: what is done at the session's control URL. `customData`: what the session begins with, if not the call's.
    `idleSeconds`: how long the session lives without a call: 1 after one, 60 if there is none, as with `voxrun` itself.
    `secrets`: those besides ELEVENLABS_API_KEY. `web`: what other servers answer, by URL. `seed` decides all that is
    left to chance: the order of tasks, packets lost. `folder`: where the scenario and the sounds are; `files`: where
    what the session writes goes, or a new folder.
    """

    caller: Caller | Sequence[Step[CallerAction]] | FromCassette | None
    agent: Agent | Sequence[Agent] | FromCassette
    speech: SpeechService
    rtp: Mapping[str, RtpPeer | Sequence[Step[CallerAction]]]
    microphone: Sequence[Step[Say]]
    faults: Sequence[Step[Fault]]
    control: Sequence[Step[ControlAction]]
    customData: str
    secrets: Annotated[Mapping[str, str], SECRETS]
    web: Mapping[str, Answer]
    idleSeconds: Seconds
    limitSeconds: Positive
    seed: int
    folder: Path
    files: Path


_LEAVES = (Close, Vanish), "the agent ends the connection"


class Simulate(Protocol):
    """What the fixture `simulate` is."""

    def __call__(self, scenario: str | Path, **parameters: Unpack[SimulationParameters]) -> SimulatedCall:
        """Run a scenario file to its end in virtual time."""


def simulation(scenario: str | Path, **parameters: Unpack[SimulationParameters]) -> Simulation:
    """The simulation of a scenario file; a relative path is looked up in `folder`.

    ConfigurationError for what no simulation can be made of.
    """
    if not isinstance(scenario, str | Path):
        raise ConfigurationError(f"simulate(…) takes the file of a scenario, but was given {scenario!r}")
    fields = check_given("simulate", SimulationParameters, parameters)
    caller, agent = fields.pop("caller", ()), fields.pop("agent", Agent())
    folder = parameters.get("folder", Path())
    check_steps("faults", fields.get("faults", ()), Fault)
    check_steps("control", fields.get("control", ()), ControlAction)
    check_steps("microphone", fields.get("microphone", ()), Say)
    fields["rtp"] = _peers(fields.get("rtp", {}))
    if isinstance(caller, FromCassette):
        caller = caller_of(load(caller, folder))
    if isinstance(agent, FromCassette):
        fields["cassette"] = load(agent, folder)
        agent = agents_of(fields["cassette"])
    if caller is not None:
        _check_caller("caller", caller.steps if isinstance(caller, Caller) else caller)
    agents = [agent] if isinstance(agent, Agent) else agent
    _check_agents(agents)
    if not (folder / scenario).exists():
        raise ConfigurationError(f"there is no scenario {(folder / scenario).absolute()}")
    caller = caller if caller is None or isinstance(caller, Caller) else Caller(caller)
    if caller is not None and caller.rtp is not None:
        codec_named(caller.rtp)
    return Simulation(
        folder / scenario,
        caller=caller,
        agents=agents,
        **fields,
    )


def _peers(given: Mapping[str, RtpPeer | Sequence[Step[CallerAction]]]) -> dict[str, RtpPeer]:
    check("rtp", given, Only('peers by address, such as {"127.0.0.1:4002": […]}', lambda it: isinstance(it, Mapping)))
    peers = {address: it if isinstance(it, RtpPeer) else RtpPeer(it) for address, it in given.items()}
    for address, peer in peers.items():
        check("rtp", address, Only('peers by address, such as "127.0.0.1:4002"', lambda it: isinstance(it, str)))
        _check_caller("rtp", peer.steps)
    return peers


def _check_agents(agents: Sequence[Agent]) -> None:
    check_all("agent", agents, Agent)
    if not agents:
        raise ConfigurationError("agent= takes one at least: for a scenario that has none, leave it out")
    for agent in agents:
        check_all("greeting", [] if agent.greeting is None else [agent.greeting], Turn)
        check_all("answers", agent.answers, object)
        for answer in agent.answers:
            actions = answer if isinstance(answer, list | tuple) else [answer]
            check_all("answers", actions, AgentAction)
            check_end([after(previous, 0.0, action) for action in actions], *_LEAVES)
        check_steps("script", agent.script, AgentAction)
        check_end(agent.script, *_LEAVES)


def _check_caller(name: str, steps: Sequence[Step[CallerAction]]) -> None:
    check_steps(name, steps, CallerAction)
    check_end(steps, HangUp, "they hang up" if name == "rtp" else "the caller hangs up")


def simulate(scenario: str | Path, **parameters: Unpack[SimulationParameters]) -> SimulatedCall:
    """Run a scenario file to its end in virtual time. A scenario that fails is no error here: `outcome` says so.

    AssertionError when the session leaves tasks, connections or modules behind.
    """
    call = run(Stage(simulation(scenario, **parameters)))
    assert not call.leftovers, f"the session left behind: {', '.join(call.leftovers)}"
    return call


def run(stage: Stage, *instruments: trio.abc.Instrument) -> SimulatedCall:
    """Play a simulation: the same one always gives the same, to the sample.

    What is wrong with the simulation itself, such as a sound file that isn't there, is raised.
    """
    if trio.lowlevel.in_trio_run():
        raise ConfigurationError("a simulated call runs trio itself: play it in a plain `def`, not an async one")
    clock = trio.testing.MockClock(autojump_threshold=0)
    try:
        with warnings.catch_warnings(), in_order(stage.seed):
            tell_unawaited()
            trio.run(stage.run, clock=clock, instruments=instruments)
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    if stage.mistake is not None:
        raise stage.mistake
    return stage.call()
