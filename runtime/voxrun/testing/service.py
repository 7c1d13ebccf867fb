"""`Service`: ElevenLabs as a simulated call meets it: signed URLs, conversations and text-to-speech on one host."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec
import trio

from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.testing.agent import Agent, AgentAction, SpeechService
from voxrun.testing.agent_connection import AgentConnection
from voxrun.testing.moments import After, At, Cue, Step, callerTurn
from voxrun.testing.news import News
from voxrun.testing.replayed_connection import ReplayedConnection
from voxrun.testing.sounds import Render, spoken
from voxrun.testing.speech_connection import SpeechConnection
from voxrun.transports.network import Network
from voxrun.transports.server import Limits, Reply, Request, Upgrade, serve
from voxrun.transports.websocket import WebSocket

HOST = "elevenlabs.simulated"
BASE_URL = f"http://{HOST}"
PUBLIC_HOST = "api.elevenlabs.io"
AGENT_HOSTS = (HOST, PUBLIC_HOST)

_CONVERSATION = "/v1/convai/conversation"
_SPEECH = re.compile(r"/v1/text-to-speech/[^/]+(/stream-input)?")
_LIMITS = Limits(body=1 << 20)


class _Text(msgspec.Struct):
    text: str


class Service:
    """Answers with the first agent, then the second, …; the last one goes on."""

    def __init__(self, agents: Sequence[Agent], speech: SpeechService, news: News, render: Render) -> None:
        self.requests: list[Request] = []
        self.conversations: list[AgentConnection] = []
        self.spoken: list[str] = []
        """The texts for the text-to-speech service."""
        self._agents = agents
        self._speech = speech
        self._news = news
        self._render = render
        self._talks: dict[int, list[AgentConnection]] = defaultdict(list)  # by the id of the agent
        self._tries = 0

    @property
    def uncalled(self) -> list[str]:
        """The tools whose answers are expected, but that no agent came to call."""
        called = {id(it) for talk in self.conversations for it in talk.called.values()}
        expecting = [it for agent in self._agents for it in agent.expectingTools]
        return list(dict.fromkeys(it.name for it in expecting if id(it) not in called))

    @property
    def awaited(self) -> list[Step[AgentAction]]:
        """What they were to do and its cue never came: on no connection, if an agent was asked more than once.

        A tool whose answer is expected is one of `uncalled` instead.
        """
        agents = {id(agent): agent for agent in self._agents}
        steps = [step for key, talks in self._talks.items() for step in _awaited(agents[key], talks)]
        for number, agent in enumerate(self._agents[self._tries :], self._tries + 1):
            cue = Cue("connection", f"{number} to the agent")
            steps += [Step(After(cue, 0.0), first) for first in agent.everything[:1]]
        expecting = [id(it) for agent in self._agents for it in agent.expectingTools]
        return [step for step in steps if id(step.action) not in expecting]

    @property
    def unasked(self) -> list[str]:
        """Who was to refuse what nobody asked for."""
        waiting = enumerate(self._agents[self._tries :], self._tries + 1)
        agents = [f"agent {number} was to refuse, but nobody asked for it" for number, it in waiting if it.refuses]
        is_idle = self._speech.refuse and not any(_SPEECH.fullmatch(request.path) for request in self.requests)
        return [*agents, *(["speech was to refuse, but nobody asked for it"] if is_idle else [])]

    @property
    def unheard(self) -> list[str]:
        """The transcripts of turns that never came."""
        turns = {id(agent): 0 for agent in self._agents}
        turns |= {key: max(talk.turns for talk in talks) for key, talks in self._talks.items()}
        return [text for agent in self._agents for text in agent.transcripts[turns[id(agent)] :]]

    @property
    def undone(self) -> Iterator[Step[AgentAction]]:
        """What an agent was to do at a time, and did on no connection, as it had ended each itself."""
        expecting = [id(it) for agent in self._agents for it in agent.expectingTools]  # of `uncalled`
        for talks in self._talks.values():
            for step in talks[0].undone if all(talk.has_left for talk in talks) else ():
                is_timed = isinstance(step.moment, At) and id(step.action) not in expecting
                if is_timed and all(step in talk.undone for talk in talks):
                    yield step

    async def start(self, network: Network, nursery: trio.Nursery) -> None:
        """Begin to serve, at the public address too, for scenarios that name it."""
        await nursery.start(partial(serve, limits=_LIMITS), network, HOST, 80, self._handle)
        await nursery.start(partial(serve, limits=_LIMITS), network, PUBLIC_HOST, 443, self._handle)

    async def _handle(self, request: Request) -> Reply | Upgrade:
        self.requests.append(request)
        if speech := _SPEECH.fullmatch(request.path):
            if self._speech.refuse:
                return _refused(self._speech.refuse)
            talk = partial(self._speak, request.query.get("output_format", ""))
            return Upgrade(talk) if speech[1] else await self._synthesise(request)
        if request.path == _CONVERSATION:
            agent = self._next()
            return _refused(agent.refuseSocket) if agent.refuseSocket else Upgrade(partial(self._converse, agent))
        if not request.path.startswith(f"{_CONVERSATION}/get"):
            return Reply(404, b'{"detail":"not found"}')
        if refusal := self._agent.refuse:
            self._next()
            return _refused(refusal)
        url = f"ws://{HOST}{_CONVERSATION}?conversation_signature=cvtkn_simulated_{len(self.requests)}"
        return Reply(200, json.dumps({"signed_url": url}).encode())

    @property
    def _agent(self) -> Agent:
        return self._agents[min(self._tries, len(self._agents) - 1)]

    def _next(self) -> Agent:
        agent = self._agent
        self._tries += 1
        return agent

    async def _converse(self, agent: Agent, socket: WebSocket) -> None:
        number = len(self.conversations) + 1
        connection = ReplayedConnection if agent.recorded else AgentConnection
        conversation = connection(agent, number, socket, self._news, self._render)
        self.conversations.append(conversation)
        self._talks[id(agent)].append(conversation)
        await conversation.run()

    async def _speak(self, output_format: str, socket: WebSocket) -> None:
        await SpeechConnection(self._speech, output_format, socket, self._render, self.spoken.append).run()

    async def _synthesise(self, request: Request) -> Reply:
        try:
            text = msgspec.json.decode(request.body, type=_Text).text
        except msgspec.DecodeError:
            return Reply(400, b'{"detail":"no text"}')
        self.spoken.append(text)
        await trio.sleep(self._speech.latency)
        sound = spoken(text, len(text.strip()) * self._speech.secondsPerCharacter)
        audio_format = FORMATS.get(request.query.get("output_format", ""), FORMATS["pcm_16000"])
        return Reply(200, audio_format.encode(self._render(sound, audio_format.rate)), "audio/pcm")


def _awaited(agent: Agent, talks: Sequence[AgentConnection]) -> Iterator[Step[AgentAction]]:
    """What one agent has waited for on all its connections."""
    steps = [talk.awaited for talk in talks]
    if all(steps):
        yield next(step for step in reversed(agent.script) if any(step is it for it in steps))
    turns = max(talk.turns for talk in talks)
    for turn, actions in enumerate(agent.actions, 1):
        if actions and turn > turns:
            yield Step(After(callerTurn(turn), agent.latency), actions[0])
            break


def _refused(status: int) -> Reply:
    return Reply(status, b'{"detail":"refused by the simulation"}')
