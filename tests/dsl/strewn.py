"""Programs with comments strewn in."""

from hypothesis import strategies as st
from tests.dsl.programs import programs

from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.nodes import Program
from voxrun.dsl.parser import parse, tokens
from voxrun.dsl.source import Source

_WHITE = st.sampled_from(["", " ", "\n", "\n\n", "\n\n\n", "\n    "])
_COMMENTS = st.sampled_from(["// line", "/* block */", "/* two\n   lines */", "//", "/**/", "// “ünï” ", "/* // */"])


@st.composite
def strewn(draw: st.DrawFn) -> str:
    """A program with comments and line ends at any place where they leave its tree as it is."""
    text = draw(programs())
    tree = parse(Source("strewn.vox", text))
    ends = [0, *(token.end_pos for token in tokens(Source("strewn.vox", text)))]
    places = draw(st.lists(st.sampled_from(ends), max_size=8, unique=True))
    for place in sorted(places, reverse=True):
        comment = draw(_WHITE) + draw(_COMMENTS) + draw(_WHITE)
        for inserted in (comment + "\n", comment, f" {comment.strip()} "):
            changed = text[:place] + inserted + text[place:]
            if _tree(changed) == tree:
                text = changed
                break
    return text


def _tree(text: str) -> Program | None:
    try:
        return parse(Source("strewn.vox", text))
    except SyntaxMistake:
        return None
