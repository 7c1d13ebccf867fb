"""The beginning of what a peer said."""

import pytest

from voxrun.protocol.excerpt import excerpt


@pytest.mark.parametrize(
    ("text", "most", "begins"),
    [
        (" all of it ", 9, "all of it"),
        ("your key sk_0123456789 is wrong", 16, "your key "),
        ('{"key":"sk_0123456789"}', 12, '{"key":"'),
        ("key=sk_0123456789", 12, ""),
        ("bad token eyJ" + "x" * 600, 500, "bad token "),
        ("\u9519\u8bef\u7684\u5bc6\u94a5", 3, "\u9519\u8bef\u7684"),
    ],
)
def test_it_ends_with_no_half_of_a_word_that_may_be_a_key(text: str, most: int, begins: str) -> None:
    assert excerpt(text, most) == begins
