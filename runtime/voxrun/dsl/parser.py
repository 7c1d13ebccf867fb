"""`parse`: the nodes of a `.vox` file; `tokens`: all of its text, with what its nodes leave out."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from lark import Lark, UnexpectedToken

from voxrun.dsl.advice import explain
from voxrun.dsl.diagnostic import Slip, SyntaxMistake
from voxrun.dsl.grammar import cached_grammar
from voxrun.dsl.layout import Layout
from voxrun.dsl.making import maker
from voxrun.dsl.nodes import Program, Span
from voxrun.dsl.source import Source
from voxrun.dsl.tokens import Token, Tokens

LONGEST = 1 << 20
"""Characters in a file."""

_NOTHING = "§"
"""What may stand nowhere."""


def parse(source: Source) -> Program:
    """Read a scenario. SyntaxMistake when it is none."""
    try:
        program = _parsed(source.text)
    except Slip as slip:
        raise SyntaxMistake(source, slip.diagnostic) from None
    return Program(Span(0, len(source.text)), program.statements, program.tests)


def acceptable(text: str) -> frozenset[str]:
    """The terminals that may stand behind a text. SyntaxMistake when it is wrong before that."""
    source = Source("", text)
    try:
        _lark().parse(f"{text} {_NOTHING}")
    except UnexpectedToken as error:
        if error.token.start_pos > len(text):
            return frozenset(error.accepts)
        raise SyntaxMistake(source, explain(error, text, _lark()).diagnostic) from None
    except Slip as slip:
        raise SyntaxMistake(source, slip.diagnostic) from None
    return frozenset()  # it ends in a comment


def tokens(source: Source) -> Iterator[Token]:
    """All of a text: also white space, comments, and what is no token of the language."""
    return Tokens(_lark().lexer_conf).all(source.text)


def _parsed(text: str) -> Program:
    if len(text) > LONGEST:
        raise Slip(
            Span(LONGEST, LONGEST), f"a scenario has at most {LONGEST} characters", "split it into several files"
        )
    try:
        with uncollected():
            program = _lark().parse(text)
    except UnexpectedToken as error:
        raise explain(error, text, _lark()) from None
    assert isinstance(program, Program)
    return program


@contextmanager
def uncollected() -> Iterator[None]:
    """For work that makes many objects which all stay: looking for garbage among them would take most of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@cache
def _lark() -> Lark:
    return cached_grammar(
        "scenario",
        lexer=Tokens,
        postlex=Layout(),
        start="program",
        keep_all_tokens=True,
        maybe_placeholders=True,
        transformer=maker(),
    )
