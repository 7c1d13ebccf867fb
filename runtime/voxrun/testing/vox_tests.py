"""The tests in a `.vox` file: `vox_tests` reads them, and each can be simulated."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from voxrun.api.surface import scenario_surface
from voxrun.dsl import sentences
from voxrun.dsl.checker import check
from voxrun.dsl.diagnostic import Diagnostic, decoded, render
from voxrun.dsl.nodes import Span
from voxrun.dsl.parser import parse
from voxrun.dsl.sentence_checker import check_tests
from voxrun.dsl.sentences import Action, Expectation, Sentence, Test
from voxrun.dsl.source import Source
from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.session.failure import short_path
from voxrun.testing.files_beside import FilesBeside
from voxrun.testing.running import SimulationParameters, simulation
from voxrun.testing.sounds import render as samples_of
from voxrun.testing.stage import Stage
from voxrun.testing.vox_plan import Plan
from voxrun.transports.sound_library import SPEECH_RATE


@dataclass(frozen=True)
class VoxTest:
    """A test, of the scenario in the file `path` if it names no other."""

    path: Path
    source: Source
    node: Test

    @property
    def name(self) -> str:
        """What it is called."""
        return self.node.name.value

    @property
    def line(self) -> int:
        """Where it begins, from 1."""
        return self.source.place(self.node.span.start)[0]

    @property
    def scenario(self) -> Path:
        """The file that is tested."""
        return self.path if self.node.scenario is None else self.path.parent / self.node.scenario.value

    @property
    def expectations(self) -> list[Expectation]:
        """What is expected, in order."""
        return [said for said in self.node.sentences if isinstance(said, Expectation)]

    @cached_property
    def plan(self) -> Plan:
        """What its sentences come to. ConfigurationError if that is nothing."""
        return _plan(self.node.sentences)

    def parameters(self, files: Path) -> SimulationParameters:
        """What `simulate` is to be given besides the scenario, which writes files below `files`."""
        return {**self.plan.parameters(), "folder": self.path.parent, "files": files}

    def show(self, span: Span, why: str, advice: str = "") -> str:
        """What is wrong at a place of the test, as a person reads it."""
        return render(self.source, Diagnostic(span, "error", why, advice))

    def blame(self, error: ConfigurationError) -> tuple[Span, str]:
        """The sentence from which on no simulation can be made of the test, and why; its name if there is none."""
        for count, said in enumerate(self.node.sentences, 1):
            try:
                self._try(self.node.sentences[:count])
            except ConfigurationError as own:
                return said.span, str(own)
        return self.node.name.span, str(error)

    def _try(self, said: Sequence[Sentence]) -> None:
        """ConfigurationError if the test could not begin with these, or has no sound for them."""
        plan, folder = _plan(said), self.path.parent
        parameters: SimulationParameters = {**plan.parameters(), "folder": folder}
        Stage(simulation(self.scenario, **parameters))
        for sound in plan.sounds:
            samples_of(sound, SPEECH_RATE, (folder, self.scenario.parent))

    def unplayed(self, actions: Sequence[str]) -> list[str]:
        """The sentences of what the caller did not come to do, which is given as `SimulatedCall` has it."""
        waiting = list(reversed(actions))
        does = [step.action for step in self.plan.caller]
        found = []
        for action, said in reversed(self.plan.spans):
            if waiting and action in does and repr(action) == waiting[0]:
                del waiting[0]
                found.append(self.source.text[said.start : said.end])
        return found[::-1]


def _plan(said: Sequence[Sentence]) -> Plan:
    plan = Plan()
    for sentence in said:
        if isinstance(sentence, Action):
            plan.take(sentence)
        elif isinstance(sentence, sentences.Secret):
            plan.secrets[sentence.name.value] = sentence.value.value
    return plan


def vox_tests(path: Path) -> list[VoxTest]:
    """The tests in a file. ScenarioError with all that is wrong in them, and in the scenario there if they test it."""
    source = decoded(short_path(str(path)), path.read_bytes())
    program = parse(source)
    surface = scenario_surface()
    own = check(program, surface) if any(test.scenario is None for test in program.tests) else ()
    found = (*own, *check_tests(program, surface, files=FilesBeside(path.parent)))
    mistakes = [render(source, diagnostic) for diagnostic in found if diagnostic.severity == "error"]
    if mistakes:
        raise ScenarioError("\n\n".join(mistakes))
    return [VoxTest(path, source, test) for test in program.tests]
