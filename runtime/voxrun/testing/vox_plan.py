"""`Plan`: what the sentences of a test in a `.vox` file come to: a caller, agents, faults and secrets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias

from voxrun.api.surface import scenario_surface
from voxrun.dsl import nodes, sentences
from voxrun.dsl.nodes import Duration, Expression, Span
from voxrun.dsl.sentence_checker import SOUND_FILE, event_named
from voxrun.dsl.sentences import Action, Later, Moment, TurnCue
from voxrun.errors import ConfigurationError
from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.testing.agent import (
    Agent,
    AgentAction,
    SpeechService,
    Turn,
    callTool,
    close,
    error,
    interrupt,
    send,
    turn,
    vanish,
)
from voxrun.testing.caller import Caller, CallerAction, Say, hangUp, press, say
from voxrun.testing.cassette import FromCassette, fromCassette
from voxrun.testing.control import ControlAction, request
from voxrun.testing.faults import Fault, cut, impair, refuse, slowDisk, stall
from voxrun.testing.moments import A, After, At, Cue, Step, after, callerTurn, event, message, previous, toolResult
from voxrun.testing.moments import Moment as KitMoment
from voxrun.testing.running import SimulationParameters
from voxrun.testing.sounds import File, Sound, sentence, spoken, tone
from voxrun.testing.web import reply

Spans: TypeAlias = list[tuple[object, Span]]
"""What is done, and the sentences that say so."""

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def seconds(duration: Duration) -> float:
    """How long it is."""
    return duration.value * _SECONDS[duration.unit]


def value_of(node: Expression) -> Any:
    """What is written there, as JSON has it; a duration in milliseconds."""
    match node:
        case nodes.Object(pairs=pairs):
            return {pair.key.text: value_of(pair.value) for pair in pairs}
        case nodes.List(items=items):
            return [value_of(item) for item in items]
        case nodes.Unary(operand=operand):
            return -value_of(operand)
        case Duration():
            return round(seconds(node) * 1000, 3)
        case nodes.Text() | nodes.Number() | nodes.Constant():
            return node.value
    raise AssertionError(f"the checker let {node} through")


def event_value(path: nodes.Path) -> str:
    """What the event of a path is called: "Call.Connected"."""
    found = event_named(path, scenario_surface())
    assert found is not None, "the checker let an unknown event through"
    return found.value


def _settings(values: nodes.Object) -> dict[str, Any]:
    """Times in seconds, but for what is called so in milliseconds."""
    return {
        pair.key.text: seconds(pair.value)
        if isinstance(pair.value, Duration) and not pair.key.text.endswith("Ms")
        else value_of(pair.value)
        for pair in values.pairs
    }


def _count(cue: sentences.Cue) -> int | None:
    return None if cue.count is None else int(cue.count.value)


def _is_turn_of_caller(cue: sentences.Cue) -> bool:
    return isinstance(cue, TurnCue) and cue.party.who == "caller" and cue.stops


def _cue(cue: sentences.Cue) -> Cue:
    match cue:
        case TurnCue(party=party, stops=stops):
            return Cue(f"{party.who}{'Stops' if stops else 'Starts'}", "", _count(cue))
        case sentences.EventCue(event=path):
            return event(event_value(path), _count(cue))
        case sentences.ScenarioCue(sends=sends, name=name):
            return (message if sends else toolResult)(name.value, _count(cue))


def _moment(moment: Moment | None, otherwise: KitMoment) -> KitMoment:
    if moment is None:
        return otherwise
    if isinstance(moment, sentences.At):
        return At(seconds(moment.time))
    return After(_cue(moment.cue), _delay(moment))


def _delay(moment: Later) -> float:
    return 0.0 if moment.delay is None else seconds(moment.delay)


@dataclass
class Plan:
    """A simulation that grows by a sentence at a time."""

    caller: list[Step[CallerAction]] = field(default_factory=list)
    caller_has: dict[str, Any] = field(default_factory=dict)
    spans: Spans = field(default_factory=list)
    caller_texts: list[str] = field(default_factory=list)
    caller_sounds: dict[str, Sound] = field(default_factory=dict)
    caller_cassette: FromCassette | None = None
    agent_cassette: FromCassette | None = None
    is_called: bool = True
    agents: "dict[int, AgentPlan]" = field(default_factory=dict)
    speech: dict[str, Any] = field(default_factory=dict)
    faults: list[Step[Fault]] = field(default_factory=list)
    control: list[Step[ControlAction]] = field(default_factory=list)
    control_has: dict[str, Any] = field(default_factory=dict)
    web: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def take(self, action: Action) -> None:
        """One more sentence."""
        match action.party.who:
            case "caller":
                self._take_caller(action)
            case "agent" if isinstance(action.deed, sentences.Plays):
                self.agent_cassette = fromCassette(action.deed.cassette.value)
            case "agent":
                number = 1 if action.party.number is None else int(action.party.number.value)
                self.agents.setdefault(number, AgentPlan()).take(action)
            case "nobody":
                self.is_called = False
            case "speech":
                self._take_speech(action)
            case "control":
                self._take_control(action)
            case "web":
                self._take_web(action.deed)
            case _:
                self.faults.append(self._step(action, At(0.0), _fault(action)))

    def parameters(self) -> SimulationParameters:
        """All of it. ConfigurationError if somebody is to do what can't come to be."""
        self._check_done()
        last = max(self.agents, default=1)
        agents = [self.agents.get(number, AgentPlan()) for number in range(1, last + 1)]
        has = {key: value for key, value in self.caller_has.items() if key != "voice"}
        caller = Caller(self.caller, **has) if self.is_called else None
        return {
            "caller": self.caller_cassette or caller,
            "agent": self.agent_cassette
            or [plan.agent(self.caller_texts if not number else ()) for number, plan in enumerate(agents)],
            "speech": SpeechService(**self.speech),
            "faults": self.faults,
            "control": self.control,
            "secrets": self.secrets,
            "customData": self.control_has.get("customData", ""),
            "web": self.web,
        }

    def _check_done(self) -> None:
        caller = self.caller or self.caller_has
        if not self.is_called and (caller or self.caller_cassette):
            raise ConfigurationError("nobody calls, so no caller does anything: leave one of the two out")
        both = ("caller", self.caller_cassette, caller), ("agent", self.agent_cassette, self.agents)
        for who, cassette, others in both:
            if cassette and others:
                raise ConfigurationError(f"the {who} does what is on the cassette, and nothing else: leave one out")

    def span_of(self, does: object) -> Span | None:
        """The sentence that says what is done; None if a cassette does."""
        return next((span for said, span in self._all_spans() if said is does), None)

    @property
    def sounds(self) -> list[Sound]:
        """What is said."""
        return [said.sound for said, _ in self._all_spans() if isinstance(said, Say | Turn)]

    def _all_spans(self) -> Iterator[tuple[object, Span]]:
        return chain(self.spans, *(plan.spans for plan in self.agents.values()))

    def sound_of(self, text: str, *, by_caller: bool) -> Sound:
        """What stands for a text that somebody says, the caller rather than an agent or not; or what is in a file."""
        if SOUND_FILE.fullmatch(text):
            return File(text)
        agents = [plan.sounds for plan in self.agents.values()]
        for sounds in (self.caller_sounds, *agents) if by_caller else (*agents, self.caller_sounds):
            if text in sounds:
                return sounds[text]
        pace = self.speech.get("secondsPerCharacter")
        return spoken(text, None if pace is None else len(text.strip()) * pace)

    def _step(self, action: Action, otherwise: KitMoment, does: A) -> Step[A]:
        self.spans.append((does, action.span))
        return Step(_moment(action.moment, otherwise), does)

    def _take_caller(self, action: Action) -> None:
        match action.deed:
            case sentences.Has(values=values):
                self.caller_has |= _settings(values)
                return
            case sentences.Plays(cassette=cassette):
                self.caller_cassette = fromCassette(cassette.value)
                return
            case sentences.Says(text=text, lasting=lasting):
                does: CallerAction = say(self._said(text, lasting))
            case sentences.Presses(keys=keys):
                does = press(keys.value)
            case _:
                does = hangUp()
        self.caller.append(self._step(action, After(previous, 0.0), does))

    def _said(self, text: nodes.Text | None, lasting: Duration | None) -> Sound:
        if text is None:
            assert lasting is not None, "the checker let a tone without an end through"
            return tone(seconds(lasting))
        is_file = SOUND_FILE.fullmatch(text.value)
        self.caller_texts.append("…" if is_file else text.value)
        sound = File(text.value) if is_file else self._caller_sound(text.value, lasting)
        self.caller_sounds[text.value] = sound
        return sound

    def _caller_sound(self, text: str, lasting: Duration | None) -> Sound:
        voice = self.caller_has.get("voice")
        return sentence(text, voice) if voice else spoken(text, None if lasting is None else seconds(lasting))

    def _take_speech(self, action: Action) -> None:
        if isinstance(action.deed, sentences.Has):
            self.speech |= _settings(action.deed.values)
        elif isinstance(action.deed, sentences.Refuses):
            self.speech["refuse"] = 503 if action.deed.status is None else int(action.deed.status.value)

    def _take_web(self, deed: sentences.Deed) -> None:
        assert isinstance(deed, sentences.Answers), f"the checker let {deed} through"
        url, content = deed.url.value, None if deed.content is None else value_of(deed.content)
        if url in self.web:
            raise ConfigurationError(f"web has two answers at '{url}'")
        if deed.status is None or content is None:
            self.web[url] = content if deed.status is None else deed.status.value
        else:
            self.web[url] = reply(int(deed.status.value), content)

    def _take_control(self, action: Action) -> None:
        if isinstance(action.deed, sentences.Has):
            self.control_has |= _settings(action.deed.values)
        elif isinstance(action.deed, sentences.Sends):
            does = request(value_of(action.deed.message))
            self.control.append(self._step(action, After(previous, 0.0), does))


@dataclass
class AgentPlan:
    """One connection of the agent's. `line` is where an action without a time goes: behind the one above it."""

    has: dict[str, Any] = field(default_factory=dict)
    opening: list[AgentAction] = field(default_factory=list)
    answers: dict[int, list[AgentAction]] = field(default_factory=dict)
    script: list[Step[AgentAction]] = field(default_factory=list)
    transcripts: list[str] = field(default_factory=list)
    sounds: dict[str, Sound] = field(default_factory=dict)
    spans: Spans = field(default_factory=list)
    line: list[AgentAction] | None = None
    turns: int = 0

    @property
    def rate(self) -> int:
        """Hz of what it says."""
        return FORMATS[self.has.get("outputFormat", Agent().outputFormat)].rate

    def take(self, action: Action) -> None:
        """One more sentence."""
        match action.deed:
            case sentences.Has(values=values):
                self.has |= _settings(values)
            case sentences.Understands(text=text):
                self.transcripts.append(text.value)
            case sentences.Refuses(socket=socket, status=status):
                code = 503 if status is None else int(status.value)
                self.has["refuseSocket" if socket else "refuse"] = code
            case _:
                does = self._action(action.deed)
                self.spans.append((does, action.span))
                self._place(does, action.moment)

    def agent(self, heard: Sequence[str]) -> Agent:
        """The agent, which understands the caller as the test says, or else as what was said."""
        first = self.opening[0] if len(self.opening) == 1 else None
        greeting = first if isinstance(first, Turn) else None
        opening = [] if greeting else [after(previous, 0.0, action) for action in self.opening]
        return Agent(
            greeting=greeting,
            answers=[self.answers.get(turn, ()) for turn in range(max(self.answers, default=-1) + 1)],
            transcripts=self.transcripts or heard,
            script=[*opening, *self.script],
            **self.has,
        )

    def _place(self, does: AgentAction, moment: Moment | None) -> None:
        if moment is None:
            self._behind(does)
        elif isinstance(moment, Later) and _is_turn_of_caller(moment.cue):
            self._answer(does, moment)
        else:
            self.script.append(Step(_moment(moment, At(0.0)), does))
            self.line = None

    def _behind(self, does: AgentAction) -> None:
        if self.line is not None:
            self.line.append(does)
        elif self.script:
            self.script.append(after(previous, 0.0, does))
        else:
            self.opening.append(does)

    def _answer(self, does: AgentAction, moment: Later) -> None:
        count = _count(moment.cue)
        turn = self.turns if count is None else count - 1
        self.turns = turn + 1
        if moment.delay is None:
            self.line = self.answers.setdefault(turn, [])
            self.line.append(does)
        else:
            self.script.append(after(callerTurn(turn + 1), _delay(moment), does))
            self.line = None

    def _action(self, deed: sentences.Deed) -> AgentAction:
        match deed:
            case sentences.Says(text=None, lasting=lasting):
                return turn("", tone(seconds(lasting) if lasting else 1.0))
            case sentences.Says(text=nodes.Text(value=text), lasting=lasting):
                said = turn(text, text if SOUND_FILE.fullmatch(text) else seconds(lasting) if lasting else None)
                self.sounds[text] = said.sound
                return said
            case sentences.Calls(tool=nodes.Text(value=tool), parameters=parameters, fails=fails, expecting=expecting):
                given = None if parameters is None else value_of(parameters)
                return callTool(tool, given, expect=None if expecting is None else expecting.value, isError=fails)
            case sentences.Sends(message=what):
                return send(value_of(what))
            case sentences.Ends(fails=fails, code=code, reason=reason):
                number = int(code.value) if code else 1008 if fails else 1000
                return (error if fails else close)(number, reason.value if reason else "")
            case sentences.Interrupted():
                return interrupt()
        return vanish()


def _fault(action: Action) -> Fault:
    match action.deed:
        case sentences.Breaks():
            return cut()
        case sentences.Stalls(duration=duration):
            return stall(seconds(duration))
        case sentences.Refuses(duration=duration):
            return refuse() if duration is None else refuse(seconds(duration))
        case sentences.Takes(duration=duration):
            return slowDisk(seconds(duration))
        case sentences.Has(values=values):
            return impair(**_settings(values))
    raise AssertionError(f"the checker let {action} through")
