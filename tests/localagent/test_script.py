"""Scripts: reading them, what answers what, and what is wrong with a bad one."""

import math
from pathlib import Path

import pytest

from voxrun.errors import ConfigurationError
from voxrun.localagent.knowledge import filled, result_values
from voxrun.localagent.script import DEFAULT_EVENTS, ToolUse, load_script
from voxrun.protocol.elevenlabs.formats import FORMATS

TEXTS = 'greeting = "Hello"\nnot_understood = "Sorry?"\ntool_failed = "Oh."\n'
TURN = '[[turn]]\nexpects = ["Hi there!"]\nsays = "Hi"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "script.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_script_is_the_receptionist() -> None:
    script = load_script()
    hours = script.answer_to("what are your opening hours today")
    assert hours is not None
    assert hours.tool == ToolUse("opening_hours", {"day": "today"})
    assert filled(hours.says, result_values("nine to five")).startswith("nine to five: those are")
    goodbye = script.answer_to("No thank you, goodbye.")
    assert goodbye is not None
    assert goodbye.ends
    assert [turn.ends for turn in script.turns].count(True) == 1


def test_a_turn_needs_no_tool_and_does_not_end(tmp_path: Path) -> None:
    (turn,) = load_script(write(tmp_path, TEXTS + TURN)).turns
    assert (turn.expects, turn.says, turn.tool, turn.ends) == (("Hi there!",), "Hi", None, False)


def test_a_file_of_an_editor_that_puts_a_mark_before_utf_8(tmp_path: Path) -> None:
    assert load_script(write(tmp_path, "\ufeff" + TEXTS + TURN)).greeting == "Hello"


def test_what_may_be_left_out(tmp_path: Path) -> None:
    script = load_script(write(tmp_path, TEXTS + TURN))
    assert script.output_format == script.input_format == FORMATS["pcm_16000"]
    assert script.client_events == DEFAULT_EVENTS
    assert (script.max_seconds, script.silence_seconds) == (math.inf, math.inf)
    assert not script.allow_overrides | script.required_variables | script.agents | script.api_keys


def test_what_may_be_given(tmp_path: Path) -> None:
    options = (
        'output_format = "ulaw_8000"\ninput_format = "pcm_48000"\nallow_overrides = ["speed"]\nagents = ["a"]\n'
        'required_variables = ["n"]\nclient_events = ["ping"]\nmax_seconds = 5\nsilence_seconds = 2.5\n'
        'api_keys = ["k"]\n'
    )
    script = load_script(write(tmp_path, options + TEXTS + TURN))
    assert (script.output_format.name, script.input_format.name) == ("ulaw_8000", "pcm_48000")
    names = (script.allow_overrides, script.required_variables, script.client_events, script.agents, script.api_keys)
    assert [sorted(given) for given in names] == [["speed"], ["n"], ["ping"], ["a"], ["k"]]
    assert (script.max_seconds, script.silence_seconds) == (5.0, 2.5)


@pytest.mark.parametrize("phrase", ["Hi there!", "hi there", "HI, THERE", "  hi   there?  "])
def test_case_and_punctuation_of_a_phrase_do_not_matter(tmp_path: Path, phrase: str) -> None:
    script = load_script(write(tmp_path, TEXTS + TURN))
    assert script.answer_to(phrase) is script.turns[0]


@pytest.mark.parametrize("phrase", ["hi", "hi there you", "hi there 7", "é hi there", "", "…"])
def test_nothing_answers_what_nobody_expects(tmp_path: Path, phrase: str) -> None:
    assert load_script(write(tmp_path, TEXTS + TURN)).answer_to(phrase) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("greeting =", "is not a TOML file"),
        (TURN, "greeting is missing: give a text"),
        (TEXTS, "turn is missing: add at least one"),
        ("turn = []\n" + TEXTS, r"turn: add at least one \[\[turn\]\]"),
        ("turn = [1]\n" + TEXTS, "turn 1: write each turn as"),
        (TEXTS.replace('"Hello"', "5") + TURN, "greeting is 5: give a text"),
        (TEXTS.replace('"Hello"', '" "') + TURN, "greeting: give a text that isn't empty"),
        ('welcome = "x"\n' + TEXTS + TURN, "welcome: no such key: there are greeting, "),
        (TEXTS + TURN + "end = true", "turn 1, end: no such key: there are .*ends"),
        (TEXTS + TURN + 'ends = "yes"', "turn 1, ends is 'yes': give true or false"),
        (TEXTS + '[[turn]]\nexpects = []\nsays = "x"', "turn 1, expects: give a list of phrases"),
        (TEXTS + '[[turn]]\nexpects = "x"\nsays = "x"', "turn 1, expects is 'x': give a list"),
        (
            TEXTS + '[[turn]]\nexpects = ["?!"]\nsays = "x"',
            "turn 1, expects: give a list of phrases in words",
        ),
        (TEXTS + '[[turn]]\nexpects = ["x"]', "turn 1, says is missing: give a text"),
        (TEXTS + TURN + "parameters = { a = 1 }", "turn 1, parameters: name the `tool`"),
        (TEXTS + TURN + 'tool = ""', "turn 1, tool: give a text that isn't empty"),
        ('output_format = "mp3"\n' + TEXTS + TURN, "output_format is 'mp3': give one of pcm_8000, "),
        ("input_format = 5\n" + TEXTS + TURN, "input_format is 5: give one of pcm_8000, "),
        (
            'allow_overrides = ["voice"]\n' + TEXTS + TURN,
            "allow_overrides, 'voice': no such: there are first_message, ",
        ),
        ('client_events = ["pong"]\n' + TEXTS + TURN, "client_events, 'pong': no such: there are audio, "),
        ('agents = "a"\n' + TEXTS + TURN, "agents is 'a': give a list of texts"),
        ('api_keys = [""]\n' + TEXTS + TURN, "api_keys: give a list of texts"),
        ("required_variables = [5]\n" + TEXTS + TURN, "required_variables: give a list of texts"),
        ("max_seconds = 0\n" + TEXTS + TURN, "max_seconds is 0: give a number of seconds above 0"),
        ("silence_seconds = true\n" + TEXTS + TURN, "silence_seconds is True: give a number of seconds above 0"),
        ("silence_seconds = nan\n" + TEXTS + TURN, "silence_seconds is nan: give a number of seconds above 0"),
        (f"max_seconds = {'9' * 400}\n" + TEXTS + TURN, "max_seconds is 999+: give a number of seconds above 0"),
        ("turn = " + "[" * 20_000, "is not a TOML file: it goes too deep"),
        (TEXTS + TURN + TURN, "turn 2, expects 'Hi there!': turn 1 does already"),
    ],
)
def test_a_bad_script_is_refused_with_file_key_and_advice(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"script.toml.*{message}"):
        load_script(write(tmp_path, text))


def test_a_missing_script(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"can't read the agent's script .*none\.toml: No such file"):
        load_script(tmp_path / "none.toml")
