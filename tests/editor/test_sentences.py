"""Inside tests: which words may be written at `‸`, and what the parts of sentences are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dsl.test_sentences import SENTENCES, in_test

from voxrun.api.surface import scenario_surface
from voxrun.dsl import sentences
from voxrun.dsl.layout import SENTENCE_WORDS
from voxrun.dsl.parser import parse
from voxrun.dsl.source import Source
from voxrun.editor.analysis import analyse
from voxrun.editor.completion import Completion, complete
from voxrun.editor.meanings import MEANINGS
from voxrun.editor.places import Hover, hover
from voxrun.editor.walk import all_nodes

SURFACE = scenario_surface()
SCENARIO = "on AppEvents.CallAlerting as { call } { call.answer() }\n"
PARTIES = {"caller", "agent", "network", "disk", "speech", "control", "web", "nobody"}
BEGINNINGS = {*PARTIES, "secret", "expect"}
MOMENTS = {"at", "when"}
LIMITS = {"by", "within", "from", "until"}


def _complete(text: str) -> dict[str, Completion]:
    offset = text.index("‸")
    return {it.name: it for it in complete(text.replace("‸", ""), offset, SURFACE)}


def _keywords(text: str) -> set[str]:
    return {name for name, it in _complete(text).items() if it.kind == "keyword"}


WORDS = [
    ("‸", BEGINNINGS),
    ("cal‸", BEGINNINGS),
    ("‸ler hangs up", BEGINNINGS),
    ("‸\ncaller hangs up", BEGINNINGS),
    ('caller says "a"\n‸', BEGINNINGS),
    ('caller says "a"; ‸', BEGINNINGS),
    # what each does
    ("caller ‸", {"says", "plays", "presses", "hangs", "has"}),
    ("caller sa‸ys tone lasting 1s", {"says", "plays", "presses", "hangs", "has"}),
    (
        "agent 2 ‸",
        {"says", "plays", "calls", "sends", "understands", "is", "closes", "fails", "vanishes", "refuses", "has"},
    ),
    ("network ‸", {"breaks", "stalls", "refuses", "has"}),
    ("disk ‸", {"takes"}),
    ("control ‸", {"sends", "has"}),
    ("web ‸", {"answers"}),
    ("nobody ‸", {"calls"}),
    ("caller says ‸", {"tone"}),
    ("caller hangs ‸", {"up"}),
    ("agent is ‸", {"interrupted"}),
    ("network stalls ‸", {"for"}),
    ('secret "a" ‸', {"is"}),
    ('agent calls tool "a" ‸', {"with", "expecting", *MOMENTS, "after"}),
    # when
    ("caller hangs up ‸", {*MOMENTS, "after"}),
    ("caller hangs up 300ms ‸", {"after"}),
    ("caller hangs up when ‸", {*PARTIES, "scenario"}),
    ("caller hangs up when agent ‸", {"starts", "stops"}),
    ("caller hangs up when scenario ‸", {"sends", "answers"}),
    ("caller hangs up when agent stops 2 ‸", {"times"}),
    # what is expected
    (
        "expect ‸",
        BEGINNINGS - {"secret", "expect"} | {"no", "event", "log", "warning", "file", "call", "scenario"},
    ),
    ("expect caller ‸", {"hears", "receives"}),
    (
        "expect caller hears ‸",
        {*PARTIES, "no", "silence", "sound", "exactly"},
    ),
    ("expect no ‸", {"event", "log", "warning", "file"}),
    ("expect event CallEvents.Failed ‸", {"with", *LIMITS}),
    ("expect call ‸", {"lasts"}),
    ("expect call lasts ‸", {"at"}),
    ("expect call lasts at ‸", {"most", "least"}),
    ("expect scenario ‸", {"fails"}),
    ("expect caller hears agent from ‸", {"when", "after"}),
    # around what is broken before
    ("caller saysno\nagent hears\ncaller ‸", {"says", "plays", "presses", "hangs", "has"}),
    # where no word is
    ("caller saysno ‸", set()),
    ('caller says "‸"', set()),
    ("// ‸", set()),
    ("caller hangs up at ‸", set()),
    ("caller hangs up at 2‸", set()),
]


@pytest.mark.parametrize("head", ["", SCENARIO, SCENARIO + 'test "b" { caller hangs up }\n', "on call { broken {\n"])
@pytest.mark.parametrize(("text", "words"), WORDS, ids=[text for text, _ in WORDS])
def test_words(head: str, text: str, words: set[str]) -> None:
    assert _keywords(f'{head}test "a" {{\n    {text}\n}}\n') == words
    if head == "":
        assert _keywords(f'test "a" {{ {text}') == words


def test_the_head_of_a_test_and_what_comes_after_it() -> None:
    assert _keywords('test "a" ‸ { }') == {"of"}
    assert "expect" not in _keywords('test "a" { }\n‸\n')
    assert "while" in _keywords('test "a" { }\n‸\n')


@pytest.mark.parametrize("text", ["expect event ‸", "expect no event ‸", "caller hangs up when ‸"])
def test_events_by_their_full_names(text: str) -> None:
    found = _complete(in_test(text))
    assert found["CallEvents.Connected"].kind == "event"
    assert "AgentsEvents.Interruption" in found
    assert "Connected" not in found


def test_events_of_a_namespace() -> None:
    found = _complete(in_test("expect event CallEvents.‸"))
    assert {"Connected", "ToneReceived"} <= found.keys()
    assert not {"CallEvents.Connected", "Interruption"} & found.keys()


@pytest.mark.parametrize(
    ("text", "there", "not_there"),
    [
        ("caller has { ‸ }", {"callerid", "rtp"}, {"latency", "caller"}),
        ("agent has { latency: 1s, ‸ }", {"bargeIn"}, {"latency", "callerid"}),
        ("network has { ‸", {"loss", "jitter"}, {"latency"}),
        ("expect event CallEvents.ToneReceived with { ‸ }", {"tone"}, {"code", "caller"}),
        ('expect event CallEvents.ToneReceived with { tone: "1", ‸ }', {"call"}, {"tone"}),
    ],
)
def test_keys(text: str, there: set[str], not_there: set[str]) -> None:
    found = _complete(in_test(text)).keys()
    assert there <= found
    assert not not_there & found


@pytest.mark.parametrize(
    ("text", "word", "told"),
    [
        ("‸", "caller", sentences.Party),
        ("agent ‸", "sends", sentences.Sends),
        ("agent ‸", "fails", sentences.Ends),
        ("caller hangs up when scenario ‸", "sends", sentences.ScenarioCue),
        ("expect ‸", "scenario", sentences.ScenarioFails),
        ("caller hangs up when ‸", "scenario", sentences.ScenarioCue),
        ("expect scenario ‸", "fails", sentences.ScenarioFails),
        ("caller hangs up ‸", "at", sentences.At),
        ("expect call lasts ‸", "at", sentences.Lasts),
        ("expect event CallEvents.Failed ‸", "by", sentences.By),
    ],
)
def test_what_is_told_of_a_word(text: str, word: str, told: type) -> None:
    found = _complete(in_test(text))[word]
    assert (found.written, found.doc) == MEANINGS[told]


def test_every_part_of_a_sentence_has_a_meaning_and_is_in_its_example() -> None:
    parts = {it for it in vars(sentences).values() if isinstance(it, type) and it.__module__ == sentences.__name__}
    assert set(MEANINGS) == parts
    for part, (example, doc) in MEANINGS.items():
        text = example if part is sentences.Test else in_test(example)
        assert part in {type(node) for node in all_nodes(parse(Source("a.vox", text)))}
        assert doc.endswith(".")


def test_every_word_of_every_sentence_is_offered_where_it_stands() -> None:
    offered = set()
    for sentence in SENTENCES:
        words = sentence.split(" ")
        for index, word in enumerate(words):
            before = " ".join(words[:index])
            is_text = before.count('"') % 2 == 1 or before.count("{") > before.count("}")
            if word.rstrip(",") in SENTENCE_WORDS and not is_text:
                assert word.rstrip(",") in _keywords(in_test(f"{before} ‸{' '.join(words[index:])}"))
                offered.add(word.rstrip(","))
    assert set(SENTENCE_WORDS) - offered == {"of"}


def _hover(sentence: str) -> Hover | None:
    text = SCENARIO + in_test(sentence)
    found = analyse(text.replace("‸", ""), SURFACE)
    assert found is not None
    return hover(found, text.index("‸"))


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        ('call‸er says "a" at 2s', sentences.Party),
        ('caller sa‸ys "a" at 2s', sentences.Says),
        ('caller says "a" a‸t 2s', sentences.At),
        ('caller says "a" 300ms af‸ter agent stops', sentences.Later),
        ('caller says "a" 300ms after agent st‸ops', sentences.TurnCue),
        ('agent calls to‸ol "a" expecting "b"', sentences.Calls),
        ('sec‸ret "a" is "b"', sentences.Secret),
        ("ex‸pect caller hears agent", sentences.Expectation),
        ("expect caller he‸ars agent", sentences.Hears),
        ("expect no ev‸ent CallEvents.Failed by 9s", sentences.Fires),
        ("expect call lasts a‸t most 10s", sentences.Lasts),
        ("expect caller hears silence fr‸om 1s until 2s", sentences.During),
    ],
)
def test_hover(sentence: str, part: type) -> None:
    found = _hover(sentence)
    assert found is not None
    assert (found.written, found.doc) == MEANINGS[part]


def test_hover_over_an_event() -> None:
    found = _hover("expect event CallEvents.Disc‸onnected by 2s")
    assert found is not None
    assert found.written.startswith("Disconnected: event Call.Disconnected")
    assert _hover("expect event CallEvents.Non‸e by 2s") is None


@given(st.data())
@settings(max_examples=60)
def test_any_place_of_any_sentence_has_an_answer(data: st.DataObject) -> None:
    text = SCENARIO + in_test(*data.draw(st.lists(st.sampled_from(SENTENCES), max_size=3)))
    cut = text[: data.draw(st.integers(0, len(text)))] + data.draw(st.sampled_from(["", " ", ".", "{", '"', "}", "//"]))
    for it in complete(cut, len(cut), SURFACE):
        assert it.name
