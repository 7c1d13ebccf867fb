"""Tests in the language: how sentences are read, what is wrong in them, and how they are laid out."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dsl.checked import unmarked
from tests.dsl.programs import programs

from voxrun.api.surface import scenario_surface
from voxrun.dsl import sentences
from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.formatter import formatted
from voxrun.dsl.layout import SENTENCE_WORDS
from voxrun.dsl.nodes import Program
from voxrun.dsl.parser import parse
from voxrun.dsl.sentence_checker import SETTINGS, check_tests
from voxrun.dsl.sentences import Sentence
from voxrun.dsl.source import Source
from voxrun.testing.agent import Agent, SpeechService
from voxrun.testing.caller import Caller
from voxrun.testing.faults import Impair

GRAMMAR = Path(__file__).parents[2] / "grammar" / "scenario.lark"

SENTENCES = (
    'caller says "hello.flac" at 2s',
    'caller says "I am late." lasting 2s, 300ms after agent stops',
    "caller says tone lasting 1.5s when agent starts 2 times",
    'caller plays cassette "call.cassette"',
    'caller presses "15#" when CallEvents.ToneReceived 3 times',
    "caller hangs up 1s after AgentsEvents.Interruption",
    'caller has { callerid: "Ada", headers: { a: "b" } }',
    "nobody calls",
    'agent says "Hello." lasting 4s',
    'agent 2 says "Hello again." when caller stops',
    'agent calls tool "hours" with { day: "today", tone: [1, -2, true, null] } expecting "nine" when caller stops',
    'agent calls tool "hours" expecting error "none"',
    'agent sends { type: "vad_score" } at 1s',
    'agent sends "no JSON" when scenario sends "user_message"',
    'agent understands "I am late."',
    "agent is interrupted at 3s",
    'agent closes with 1000 "goodbye" when scenario answers "hours" 2 times',
    "agent closes",
    'agent fails with 1008 "no such agent" at 1s',
    "agent vanishes at 4s",
    "agent refuses with 401",
    "agent refuses socket with 404",
    "agent has { latency: 300ms, bargeIn: false }",
    "network breaks at 4.2s",
    "network stalls for 300ms at 2s",
    "network refuses for 5s when CallEvents.Connected",
    "network has { loss: 0.05, jitter: 40ms } at 1s",
    "disk takes 2s",
    "speech has { latency: 1s }",
    "speech refuses with 401",
    'control sends "hang up" at 2s',
    'control sends { say: "Hello." } when CallEvents.Connected',
    'control has { customData: "Ada" }',
    'web answers "https://crm.example/customers" with { name: "Ada", calls: [1, 2] }',
    'web answers "http://crm.example" with 404',
    'web answers "https://crm.example/book" with 409 { error: "taken" }',
    'web answers "https://crm.example/down" with 503 "Come back later."',
    'web answers "https://crm.example/hello" with "Hello."',
    'web answers "https://crm.example/all" with ["Ada", null]',
    'secret "PIN" is "1234"',
    "expect caller hears agent within 1s after caller stops",
    "expect caller hears agent 2 by 9s",
    "expect caller hears silence from 4s until 300ms after agent stops",
    "expect caller hears sound until 2s",
    "expect agent hears caller within 1s after caller starts 2 times",
    'expect caller hears "Hello." by 3s',
    "expect caller hears no agent 2 from 4s",
    'expect caller hears no "hello.flac"',
    'expect caller hears exactly "golden.flac" from 1s until 2s',
    'expect caller receives keys "15"',
    'expect agent receives "contextual_update" with { text: "late" } by 3s',
    'expect agent receives no "user_message"',
    'expect speech receives "Hello."',
    'expect control receives "hung up" by 3s',
    'expect web receives "GET crm.example/customers"',
    'expect event CallEvents.ToneReceived 2 times with { tone: "5" } by 9s',
    "expect no event CallEvents.Failed",
    'expect log "key 5" within 1s after CallEvents.ToneReceived',
    'expect no warning "late"',
    'expect file "call.wav"',
    "expect call lasts at most 10s",
    "expect call lasts at least 8s",
    'expect scenario fails with "no such agent"',
    "expect scenario fails",
)


def in_test(*lines: str) -> str:
    return "\n".join(['test "a" {', *(f"    {line}" for line in lines), "}", ""])


def parsed(text: str) -> Program:
    return parse(Source("a.vox", text))


def read(sentence: str) -> Sentence:
    (test,) = parsed(in_test(sentence)).tests
    (found,) = test.sentences
    return found


def spoken_kinds(node: object) -> set[type]:
    """The kinds of nodes in a sentence."""
    names = getattr(node, "__dataclass_fields__", {})
    inner = [spoken_kinds(getattr(node, name)) for name in names if name != "span"]
    return {type(node)}.union(*inner) if names else set()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_read_checked_and_laid_out_as_it_is(sentence: str) -> None:
    text = in_test(sentence)
    program = parsed(text)
    files = {"hello.flac", "golden.flac", "call.cassette"}
    assert [it for it in check_tests(program, scenario_surface(), files=files) if it.severity == "error"] == []
    (test,) = program.tests
    assert text[slice(*test.sentences[0].span)] == sentence
    once = formatted(Source("a.vox", text))
    assert parsed(once) == program
    assert formatted(Source("a.vox", once)) == once
    if len(sentence) < 90:
        assert once == text


def test_all_kinds_of_sentences_are_among_them() -> None:
    there = set().union(*(spoken_kinds(read(sentence)) for sentence in SENTENCES))
    all_ = {it for it in vars(sentences).values() if isinstance(it, type) and it.__module__ == sentences.__name__}
    assert all_ - there == {sentences.Test}


def test_all_words_of_sentences_are_among_them() -> None:
    said = {word for sentence in SENTENCES for word in re.findall(r"[a-z]+", re.sub(r'"[^"]*"', "", sentence))}
    assert set(SENTENCE_WORDS) - said == {"of"}


def test_the_grammar_declares_these_words() -> None:
    declared = {word for line in re.findall(r"^%declare (.*)", GRAMMAR.read_text(), re.M) for word in line.split()}
    assert declared - {"BLOCK", "OBJECT", "KEY", "END"} == set(SENTENCE_WORDS.values())


@pytest.mark.parametrize("word", [*SENTENCE_WORDS, "test"])
def test_the_words_of_tests_are_names_elsewhere(word: str) -> None:
    text = (
        f"let {word} = 1\n{word} += 1\nlog {word} + x.{word}\non {word} {word}.{word} as {{ {word} }} {{ {word}() }}\n"
    )
    program = parsed(f'{text}test "a" {{ expect log "x" }}\n{text}')
    assert len(program.statements) == 8
    assert len(program.tests) == 1


def test_the_settings_are_those_of_the_kit() -> None:
    kit: dict[str, Any] = {"caller": Caller, "agent": Agent, "speech": SpeechService, "network": Impair}
    said = {"steps", "greeting", "answers", "transcripts", "script", "refuse", "refuseSocket", "recorded"}
    for who, kind in kit.items():
        assert set(SETTINGS[who]) - {"voice"} == set(kind.__dataclass_fields__) - said


def test_a_sentence_may_take_several_lines() -> None:
    text = in_test('agent calls tool "x"', "  with { a: 1 }", '  expecting "y"', "  300ms", "  after agent stops")
    assert len(parsed(text).tests[0].sentences) == 1


MISTAKES = (
    ('caller «say» "x"', "did you mean `says`?"),
    ("caller presses «5»", 'a text, `"…"`'),
    ("«shop» opens", "a sentence begins with `caller`"),
    ('«log» "x"', "a sentence begins with `caller`"),
    ('caller says «"a ${»b}"', "write the text as it is"),
    ("agent is «interruptd»", "did you mean `interrupted`?"),
    ('caller says "x" after «2s»', "an event such as `CallEvents.Connected`"),
    ("caller hangs«»", "`up`"),
    ("expect agent hears caller within 2s«»", "`after`"),
    ("expect event CallEvents.«Discnnected»", "did you mean `Disconnected`?"),
    ("expect event «CalEvents».Connected", "did you mean `CallEvents`?"),
    ("caller hangs up when «Call».Connected", "write an event such as"),
    ("expect no event CallEvents.Failed with { «cod»: 1 }", "did you mean `code`?"),
    ('caller says «"none.flac"»', "looked for beside"),
    ("caller «says tone»", "lasting 1s"),
    ('caller says "there.flac" lasting «1s»', "leave `lasting` out"),
    ('caller presses "12«E»"', "keys are 0-9"),
    ('network «says "x"»', "the network breaks, stalls, refuses or has"),
    ('caller «calls tool "x"»', "a caller says, plays cassette, presses, hangs up or has"),
    ('nobody «calls tool "x"»', "agent calls tool"),
    ('caller has { «calerid»: "x" }', "did you mean `callerid`?"),
    ('agent calls tool "x" with { a: «b» }', "a text, a number"),
    ('expect «caller receives "x"»', "receives keys"),
    ('expect «agent receives keys "1"»', "receives keys"),
    ('expect control receives "x" with «{ a: 1 }»', "leave `with …` out"),
    ('control «says "x"»', "the control sends or has"),
    ('web answers «"crm.example"» with 404', "it begins with https:// or http://, and has no `?`"),
    ('web answers "https://crm.example" with «42»', "write one such as 404, or a text"),
    ('web answers "https://crm.example" with «42» "x"', "write one such as 404, or a text"),
    ('web answers "https://crm.example" with 404 { a: «b» }', "write a text, a number, a list, an object"),
    ('web answers "https://crm.example" with { a: «b» }', "write a text, a number, a list, an object"),
    ('web answers "https://crm.example" with 404 «at 2s»', "leave the time out"),
    ('expect web receives "x" «by 2s»', "leave the time out"),
    ("network «refuses with 401»", "refuses for 5s"),
    ("agent refuses for «5s»", "leave `for …` out"),
    ("agent has { latency: 1s } «at 2s»", "leave the time out"),
    ("expect call lasts at most 5s «by 3s»", "leave the time out"),
    ("expect «network» hears sound", "write caller or agent"),
    ("caller hangs up when agent «2» stops", "leave the number out"),
    ("caller hangs up when agent stops «0» times", "count from 1"),
    ("expect event CallEvents.ToneReceived «1.5» times", "write a whole number"),
    ('agent closes with «1000.5» "bye"', "write a whole number such as 1000"),
    ("agent refuses socket with «404.5»", "write a whole number such as 401"),
    ('expect caller hears exactly «"x.txt"»', "golden.flac"),
)


@pytest.mark.parametrize(("sentence", "advice"), MISTAKES)
def test_a_mistake_is_found_at_its_place(sentence: str, advice: str) -> None:
    text, spans = unmarked(in_test('expect log "k"', sentence))
    source = Source("a.vox", text)
    try:
        (found,) = check_tests(parse(source), scenario_surface(), files={"there.flac"})
    except SyntaxMistake as mistake:
        found = mistake.diagnostic
    assert found.span == spans[0]
    assert advice in found.advice


def test_a_test_that_expects_nothing_and_two_of_one_name() -> None:
    program = parsed(in_test("nobody calls") + in_test('expect log "x"'))
    warning, error = check_tests(program, scenario_surface())
    assert "expects nothing" in warning.message
    assert "another test" in error.message


def test_a_test_stands_at_the_top_only() -> None:
    with pytest.raises(SyntaxMistake):
        parsed('on AppEvents.Started { test "a" { nobody calls } }')


@settings(max_examples=50)
@given(programs(3), st.lists(st.sampled_from(SENTENCES), max_size=4), programs(3))
def test_what_is_around_a_test_stays_as_it_is(before: str, lines: list[str], after: str) -> None:
    alone, both = parsed(f"{before}\n{after}"), parsed(f"{before}\n{in_test(*lines)}{after}")
    assert both.statements == alone.statements
    assert len(both.tests[0].sentences) == len(lines)
