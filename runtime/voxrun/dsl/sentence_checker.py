"""`check_tests`: what is wrong in the tests of a scenario, as far as that can be known before they run."""

import re
from collections.abc import Container

from voxrun.dsl import nodes, sentences
from voxrun.dsl.diagnostic import Diagnostic, any_of
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Expression, Node, Number, Object, Path, Program, Text
from voxrun.dsl.sentences import Action, Claim, Cue, Expectation, Party, Sentence, Test
from voxrun.dsl.surface import Event, Property, Surface

SOUND_FILE = re.compile(r".+\.(wav|flac|ogg|mp3)", re.IGNORECASE)
"""What is said is a file when it ends so, and else a text."""

SETTINGS = {
    "caller": ("callerid", "destination", "displayName", "headers", "customData", "rate", "rtp", "voice"),
    "agent": (
        "bargeIn",
        "lateAudio",
        "pace",
        "chunkMs",
        "latency",
        "endOfTurn",
        "pingSeconds",
        "inputFormat",
        "outputFormat",
    ),
    "speech": ("secondsPerCharacter", "latency"),
    "network": ("loss", "duplicates", "jitter"),
    "control": ("customData",),
}
"""What `has` may set, by whom it is said."""

DEEDS: dict[str, dict[type, str]] = {
    "caller": {
        sentences.Says: "says",
        sentences.Plays: "plays cassette",
        sentences.Presses: "presses",
        sentences.HangsUp: "hangs up",
        sentences.Has: "has",
    },
    "agent": {
        sentences.Says: "says",
        sentences.Plays: "plays cassette",
        sentences.Calls: "calls tool",
        sentences.Sends: "sends",
        sentences.Understands: "understands",
        sentences.Interrupted: "is interrupted",
        sentences.Ends: "closes or fails",
        sentences.Vanishes: "vanishes",
        sentences.Refuses: "refuses",
        sentences.Has: "has",
    },
    "network": {
        sentences.Breaks: "breaks",
        sentences.Stalls: "stalls",
        sentences.Refuses: "refuses",
        sentences.Has: "has",
    },
    "disk": {sentences.Takes: "takes"},
    "speech": {sentences.Refuses: "refuses", sentences.Has: "has"},
    "control": {sentences.Sends: "sends", sentences.Has: "has"},
    "web": {sentences.Answers: "answers"},
    "nobody": {sentences.Calls: "calls"},
}
"""What each can do, in the words of its sentences."""

_KEYS = frozenset("0123456789*#ABCD")
_TIMELESS = (sentences.Answers, sentences.Has, sentences.Plays, sentences.Refuses, sentences.Understands)
"""What holds from the beginning, but for the network, whose troubles come and go."""

_LITERALS = nodes.Text | nodes.Number | nodes.Duration | nodes.Constant


def check_tests(program: Program, surface: Surface, *, files: Container[str] | None = None) -> tuple[Diagnostic, ...]:
    """All findings in the order of the text. `files`: those that are there; without it nothing is said of files."""
    return _Checker(surface, files).check(program)


def event_named(path: Path, surface: Surface) -> Event | None:
    """The event of a path such as `CallEvents.Connected`: all names are there, required or not."""
    if len(path.names) != 2:
        return None
    space = _space(path.names[0].text, surface)
    member = None if space is None else surface.types[space].members.get(path.names[1].text)
    return member if isinstance(member, Event) else None


def _space(name: str, surface: Surface) -> str | None:
    """The type of the events that a name such as `CallEvents` holds."""
    for names in (surface.names, *surface.modules.values()):
        member = names.get(name)
        if isinstance(member, Property) and name.endswith("Events"):
            return member.value.kinds[0]
    return None


class _Checker:
    def __init__(self, surface: Surface, files: Container[str] | None) -> None:
        self._surface = surface
        self._files = files
        self._findings = Findings()
        self._said: set[tuple[object, ...]] = set()
        """What has a value in this test."""

    def check(self, program: Program) -> tuple[Diagnostic, ...]:
        names: set[str] = set()
        for test in program.tests:
            if test.name.value in names:
                self._findings.error(test.name.span, "another test has this name", "give each test its own")
            names.add(test.name.value)
            self._test(test)
        return self._findings.in_order()

    def _test(self, test: Test) -> None:
        if test.scenario is not None:
            self._file(test.scenario)
        if not any(map(_expects, test.sentences)):
            what = "this test expects nothing, but that the scenario does not fail"
            self._findings.warning(test.name.span, what, "add a line such as `expect event CallEvents.Disconnected`")
        self._said = set()
        for sentence in test.sentences:
            self._sentence(sentence)
        if any(isinstance(it, Action) and it.party.who == "nobody" for it in test.sentences):
            self._no_caller(test)

    def _no_caller(self, test: Test) -> None:
        for sentence in test.sentences:
            claim = sentence.claim if isinstance(sentence, Expectation) else None
            is_caller = isinstance(claim, sentences.Hears | sentences.Receives) and claim.party.who == "caller"
            if claim is not None and (is_caller or isinstance(claim, sentences.Lasts)):
                self._findings.error(claim.span, "nobody calls, so there is no caller", "leave one of the two out")

    def _once(self, place: Node, *what: object) -> None:
        """What has a value has one."""
        if what in self._said:
            self._findings.error(place.span, "this has a value already", "leave one of them out")
        self._said.add(what)

    def _sentence(self, sentence: Sentence) -> None:
        if isinstance(sentence, Action):
            self._action(sentence)
        elif isinstance(sentence, sentences.Secret):
            self._once(sentence.name, "secret", sentence.name.value)
        elif isinstance(sentence, Expectation):
            self._claim(sentence.claim)
            self._limit(sentence)

    # What is done.

    def _action(self, action: Action) -> None:
        deeds = DEEDS[action.party.who]
        deed = action.deed
        if type(deed) not in deeds:
            what = f"this is nothing that {_the(action.party)} does"
            self._findings.error(deed.span, what, f"{_the(action.party)} {any_of(deeds.values())}")
            return
        self._party(action.party)
        match deed:
            case sentences.Says():
                self._says(deed)
            case sentences.Plays(cassette=cassette):
                self._file(cassette)
            case sentences.Presses(keys=keys):
                self._keys(keys)
            case sentences.Calls():
                self._call(action, deed)
            case sentences.Sends(message=Object() as message):
                self._values(message)
            case sentences.Has(values=values):
                self._settings(action.party, values)
            case sentences.Answers():
                self._answers(deed)
            case sentences.Refuses():
                self._refuses(action.party, deed)
            case sentences.Ends(code=code):
                self._whole(code, 0, "which code is this?", "write a whole number such as 1000")
        if action.moment is not None:
            self._moment(action)

    def _says(self, says: sentences.Says) -> None:
        if says.lasting is not None and not says.lasting.value:
            self._findings.error(says.lasting.span, "nothing is said", "leave it out, or write how long it lasts")
        if says.text is None:
            if says.lasting is None:
                self._findings.error(says.span, "how long is this tone?", "write `says tone lasting 1s`")
        elif not says.text.value.strip() and says.lasting is None:
            self._findings.error(says.text.span, "nothing is said", "write a text, a file, or `says tone lasting 1s`")
        elif SOUND_FILE.fullmatch(says.text.value):
            self._file(says.text)
            if says.lasting is not None:
                self._findings.error(says.lasting.span, "a file lasts as long as it does", "leave `lasting` out")

    def _keys(self, keys: Text) -> None:
        wrong = [index for index, key in enumerate(keys.value) if key not in _KEYS]
        if wrong or not keys.value:
            start = keys.span.start + 1 + (wrong[0] if wrong else -1)
            what = f"there is no key {keys.value[wrong[0]]!r}" if wrong else "no key is pressed"
            self._findings.error(nodes.Span(start, start + 1), what, "keys are 0-9, *, # and A-D")

    def _call(self, action: Action, call: sentences.Calls) -> None:
        if (call.tool is None) is not (action.party.who == "nobody"):
            self._findings.error(
                call.span, "an agent calls a tool, and nobody calls the scenario", 'write `agent calls tool "name"`'
            )
        if call.parameters is not None:
            self._values(call.parameters)

    def _refuses(self, party: Party, refuses: sentences.Refuses) -> None:
        self._whole(refuses.status, 0, "which status is this?", "write a whole number such as 401")
        if party.who == "network" and (refuses.status or refuses.socket):
            self._findings.error(refuses.span, "a network gives no answer", "write `network refuses for 5s`")
        if party.who != "network" and refuses.duration is not None:
            self._findings.error(refuses.duration.span, "a service refuses all the time", "leave `for …` out")
        if party.who == "speech" and refuses.socket:
            self._findings.error(refuses.span, "speech has sockets only", "write `speech refuses with 401`")

    def _answers(self, answers: sentences.Answers) -> None:
        url, status = answers.url, answers.status
        if not url.value.startswith(("http://", "https://")) or "?" in url.value:
            advice = "it begins with https:// or http://, and has no `?`: whatever comes after that is answered alike"
            self._findings.error(url.span, "this is not what a web server answers at", advice)
        if status is not None and status.value not in range(200, 600):
            self._findings.error(status.span, "this is no status of HTTP", "write one such as 404, or a text")
        if answers.content is not None:
            self._values(answers.content)

    def _settings(self, party: Party, values: Object) -> None:
        known = SETTINGS[party.who]
        for pair in values.pairs:
            if pair.key.text not in known:
                advice = self._findings.did_you_mean(pair.key.text, known)
                self._findings.error(pair.key.span, f"{_the(party)} has no `{pair.key.text}`", advice)
        self._values(values)
        for key in {pair.key.text: pair.key for pair in values.pairs}.values() if party.who != "network" else ():
            self._once(key, party.who, party.number and party.number.value, key.text)

    def _moment(self, action: Action) -> None:
        moment = action.moment
        assert moment is not None
        if isinstance(action.deed, _TIMELESS) and action.party.who != "network":
            self._findings.error(moment.span, "this holds from the beginning on", "leave the time out")
        if isinstance(moment, sentences.Later):
            self._cue(moment.cue)

    # What is expected.

    def _claim(self, claim: Claim) -> None:
        match claim:
            case sentences.Hears():
                self._hears(claim)
            case sentences.Receives(party=party, keys=keys, fields=fields):
                self._party(party)
                if party.who not in (("caller",) if keys else ("agent", "speech", "control", "web")):
                    what = f"{_the(party)} receives nothing like this"
                    advice = 'write `agent receives "contextual_update"` or `caller receives keys "15"`'
                    self._findings.error(claim.span, what, advice)
                if fields is not None:
                    self._fields_of(party, fields)
            case sentences.Fires():
                self._fires(claim)

    def _fires(self, fires: sentences.Fires) -> None:
        self._event(fires.event, fires.fields)
        self._whole(fires.count, 0, "how often is this?", "write a whole number")
        if fires.count is not None and fires.no:
            self._findings.error(fires.count.span, "none is none, however often", "leave `no` or the number out")

    def _of_itself(self, fires: sentences.Fires, limit: sentences.Limit) -> None:
        cue = limit.cue if isinstance(limit, sentences.Within) else None
        if not isinstance(cue, sentences.EventCue) or cue.count is not None:
            return
        if [name.text for name in cue.event.names] == [name.text for name in fires.event.names]:
            advice = "write how often it comes, such as `1 times`, or another event"
            self._findings.error(limit.span, "each comes in this time of itself", advice)

    def _fields_of(self, party: Party, fields: Object) -> None:
        if party.who != "agent":
            self._findings.error(fields.span, f"what {_the(party)} receives has no fields", "leave `with …` out")
        self._values(fields)

    def _hears(self, hears: sentences.Hears) -> None:
        for party in (hears.party, hears.what):
            if isinstance(party, Party):
                self._party(party)
                if party.who not in ("caller", "agent"):
                    self._findings.error(party.span, f"{_the(party)} neither hears nor speaks", "write caller or agent")
        if isinstance(hears.what, Text) and not hears.exactly and SOUND_FILE.fullmatch(hears.what.value):
            self._file(hears.what)
        if isinstance(hears.what, Text) and hears.exactly and not hears.what.value.endswith((".wav", ".flac")):
            self._findings.error(hears.what.span, "this is no recording", 'write `hears exactly "golden.flac"`')

    def _limit(self, expectation: Expectation) -> None:
        claim, limit = expectation.claim, expectation.limit
        if limit is None:
            return
        if (
            isinstance(claim, sentences.Lasts | sentences.ScenarioFails)
            or (isinstance(claim, sentences.Notes) and claim.kind == "file")
            or (isinstance(claim, sentences.Receives) and (claim.keys or claim.party.who in ("speech", "web")))
        ):
            self._findings.error(limit.span, "when this was is not known", "leave the time out")
        if isinstance(claim, sentences.Fires) and claim.count is None and claim.fields is None:
            self._of_itself(claim, limit)
        match limit:
            case sentences.Within(cue=cue):
                self._cue(cue)
            case sentences.During(begin=begin, end=end):
                for point in (begin, end):
                    if isinstance(point, sentences.Later):
                        self._cue(point.cue)

    # What both have.

    def _cue(self, cue: Cue) -> None:
        self._whole(cue.count, 1, "which time is this?", "count from 1")
        if isinstance(cue, sentences.EventCue):
            self._event(cue.event, None)
        elif isinstance(cue, sentences.TurnCue):
            if cue.party.who not in ("caller", "agent"):
                self._findings.error(cue.party.span, f"{_the(cue.party)} does not speak", "write caller or agent")
            if cue.party.number is not None:
                what = "which connection spoke is not known here"
                self._findings.error(cue.party.number.span, what, "leave the number out")

    def _party(self, party: Party) -> None:
        self._whole(party.number, 1, "which connection is this?", "they are counted from 1")

    def _whole(self, number: Number | None, least: int, what: str, advice: str) -> None:
        if number is not None and (number.value < least or not isinstance(number.value, int)):
            self._findings.error(number.span, what, advice)

    def _event(self, path: Path, fields: Object | None) -> None:
        space, *names = path.names
        kind = _space(space.text, self._surface)
        if kind is None:
            known = [name for names_ in (self._surface.names, *self._surface.modules.values()) for name in names_]
            near = self._findings.nearest(space.text, [name for name in known if name.endswith("Events")])
            advice = f"did you mean `{near}`?" if near else "write an event such as `CallEvents.Connected`"
            self._findings.error(space.span, f"there are no events `{space.text}`", advice)
            return
        event = event_named(path, self._surface)
        if event is None:
            name = names[-1] if names else space
            advice = self._findings.did_you_mean(name.text, self._surface.types[kind].members)
            self._findings.error(name.span, f"{space.text} has no event `{name.text}`", advice)
        elif fields is not None:
            self._values(fields)
            payload = self._surface.types[event.payload]
            for pair in fields.pairs:
                if pair.key.text not in payload.members and not payload.open:
                    advice = self._findings.did_you_mean(pair.key.text, payload.members)
                    self._findings.error(pair.key.span, f"this event has no field `{pair.key.text}`", advice)

    def _values(self, value: Expression) -> None:
        """A test can't ask the scenario for values: it says them."""
        match value:
            case Object(pairs=pairs):
                for index, pair in enumerate(pairs):
                    if any(pair.key.text == other.key.text for other in pairs[:index]):
                        what = f"the key `{pair.key.text}` is there already"
                        self._findings.error(pair.key.span, what, "leave one of them out")
                    self._values(pair.value)
            case nodes.List(items=items):
                for item in items:
                    self._values(item)
            case nodes.Unary(operator="-", operand=nodes.Number()):
                pass
            case _ if not isinstance(value, _LITERALS):
                what = "a test says its values: this is none"
                self._findings.error(value.span, what, "write a text, a number, a list, an object, true, false or null")

    def _file(self, file: Text) -> None:
        if self._files is not None and file.value not in self._files:
            what = f"there is no file {file.value}"
            self._findings.error(file.span, what, "it is looked for beside this one")


def _expects(sentence: Sentence) -> bool:
    deed = sentence.deed if isinstance(sentence, Action) else None
    return isinstance(sentence, Expectation) or (isinstance(deed, sentences.Calls) and deed.expecting is not None)


def _the(party: Party) -> str:
    return {"speech": "the speech service", "nobody": "nobody", "agent": "an agent", "caller": "a caller"}.get(
        party.who, f"the {party.who}"
    )
