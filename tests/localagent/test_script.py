"""Scripts: reading them, what answers what, and what is wrong with a bad one."""

from pathlib import Path

import pytest

from voxrun.errors import ConfigurationError
from voxrun.localagent.script import ToolUse, filled, load_script, result_values

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


@pytest.mark.parametrize("phrase", ["Hi there!", "hi there", "HI, THERE", "  hi   there?  "])
def test_case_and_punctuation_of_a_phrase_do_not_matter(tmp_path: Path, phrase: str) -> None:
    script = load_script(write(tmp_path, TEXTS + TURN))
    assert script.answer_to(phrase) is script.turns[0]


@pytest.mark.parametrize("phrase", ["hi", "hi there you", "", "…"])
def test_nothing_answers_what_nobody_expects(tmp_path: Path, phrase: str) -> None:
    assert load_script(write(tmp_path, TEXTS + TURN)).answer_to(phrase) is None


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("{result}, please", {"result": "nine"}, "nine, please"),
        ("{from} to {to}", {"from": 9, "to": 5}, "9 to 5"),
        ("Hello {name}", {}, "Hello"),
        ("no names {} { x }", {"x": 1}, "no names {} { x }"),
        ("{a}", {"a": "{b}", "b": "twice"}, "{b}"),
    ],
)
def test_placeholders(text: str, values: dict[str, object], expected: str) -> None:
    assert filled(text, values) == expected


@pytest.mark.parametrize(
    ("result", "values"),
    [
        ("nine to five", {"result": "nine to five"}),
        ('{"open": 9, "result": "no"}', {"open": 9, "result": '{"open": 9, "result": "no"}'}),
        ("[1, 2]", {"result": "[1, 2]"}),
        ("", {"result": ""}),
    ],
)
def test_what_a_result_gives(result: str, values: dict[str, object]) -> None:
    assert result_values(result) == values


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
        (TEXTS + TURN + TURN, "turn 2, expects 'Hi there!': turn 1 does already"),
    ],
)
def test_a_bad_script_is_refused_with_file_key_and_advice(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"script.toml.*{message}"):
        load_script(write(tmp_path, text))


def test_a_missing_script(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"can't read the agent's script .*none\.toml: No such file"):
        load_script(tmp_path / "none.toml")
