from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.errors import ConfigurationError
from voxrun.transports.address import Address, public


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "target", "authority"),
    [
        ("ws://localhost", "localhost", 80, False, "/", "localhost"),
        (
            "wss://api.elevenlabs.io/v1?agent_id=a&x=1",
            "api.elevenlabs.io",
            443,
            True,
            "/v1?agent_id=a&x=1",
            "api.elevenlabs.io",
        ),
        ("ws://127.0.0.1:8765/a b?q=é#part", "127.0.0.1", 8765, False, "/a%20b?q=%C3%A9", "127.0.0.1:8765"),
        ("WS://[::1]:443/", "::1", 443, False, "/", "[::1]:443"),
        ("wss://bücher.example:80/%41", "xn--bcher-kva.example", 80, True, "/%41", "xn--bcher-kva.example:80"),
    ],
)
def test_a_url_is_split(url: str, host: str, port: int, tls: bool, target: str, authority: str) -> None:
    address = Address.parse(url, plain="ws", secure="wss")
    assert (address.host, address.port, address.tls, address.target) == (host, port, tls, target)
    assert address.authority == authority
    assert str(address) == f"{host}:{port}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:80",
        "http://a",
        "ws://",
        "ws://a:b",
        "ws://a:99999",
        "ws://a..b",
        "ws://a\0b",
        "ws://[::1",
        "ws://a/\ud800",
    ],
)
def test_what_is_no_address_is_refused_without_its_query(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a ws:// or wss:// address") as caught:
        Address.parse(url + "?token=secret", plain="ws", secure="wss")
    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_split_or_refused(text: str) -> None:
    try:
        address = Address.parse(f"http://host/{text}", plain="http", secure="https")
    except ConfigurationError:
        return
    assert address.target.isascii()
    assert not set(address.target) & set(" \t\r\n")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://ada:s3cret@a.example:80/b?s3cret#s3cret", "https://a.example:80/b"),
        ("https://ada:s3cret@[::1]:80/b", "https://[::1]:80/b"),
        ("https://a.example/users/@ada?s3cret", "https://a.example/users/@ada"),
        ("https://ada:/s3cret@a.example/b", "a.example/b"),
        ("https://ada:s3/cret@a.example/b?s3cret", "a.example/b"),
        ("https://ada:s3cret?@a.example/b", "https://ada"),
        ("ada:s3cret@a.example/b", "a.example/b"),
        ("https:/ada:s3cret@a.example/b", "a.example/b"),
        ("a.example/b?mail=ada@b.example&key=s3cret", "a.example/b"),
        ("ws://a:b?s3cret", "ws://a:b"),
        ("ws://a/\ud800", "ws://a/\\ud800"),
    ],
)
def test_what_is_told_of_a_url_is_no_secret(url: str, told: str) -> None:
    assert public(url) == told


@given(st.text("ab:/?#[]@%"), st.text("ab:/?#[]@%"))
def test_no_secret_that_was_encoded_as_it_must_be_is_told(name: str, end: str) -> None:
    assert "s3cret" not in public(f"https://{quote(name, safe='')}:s3cret@host/{end.replace('?', '')}?{end}s3cret")
