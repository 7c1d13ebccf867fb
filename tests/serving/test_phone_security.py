"""Strangers at the door of a served scenario: turned away, counted, and nobody inside notices."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import in_virtual_time, resident, tone
from tests.others import undisturbed
from tests.serving.phone_caller import ECHO, HOST, Served, calling, served

from voxrun.audio.frame import Samples
from voxrun.errors import RemoteError
from voxrun.serving.doors import Keys
from voxrun.serving.phone import BODY_LIMIT, MESSAGE_LIMIT
from voxrun.transports.http import http_request
from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork
from voxrun.transports.turnstile import Turnstile

pytestmark = pytest.mark.usefixtures("unhurried")

TOKEN = "the-token-of-the-test"
HALF_OPEN = 1000


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    path = tmp_path / "echo.py"
    path.write_text(ECHO)
    return path


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/media/twilio", 401, "no token"),
        ("/media/twilio?token=wrong", 401, "token"),
        ("/media/twilio/~stolen", 401, "ticket"),
        ("/media/nobody?token=" + TOKEN, 404, "path"),
        ("/media/?token=" + TOKEN, 404, "path"),
        ("/media/../../etc/passwd?token=" + TOKEN, 404, "path"),
        ("/media/%2e%2e%2fetc?token=" + TOKEN, 404, "path"),
        ("/etc/passwd", 404, "path"),
        ("/", 404, "path"),
    ],
)
def test_who_is_not_let_in_never_gets_a_websocket(echo: Path, path: str, status: int, reason: str) -> None:
    async def main() -> None:
        async with served(echo, Keys(token=TOKEN)) as place:
            with pytest.raises(RemoteError) as caught:
                async with calling(place, path):
                    raise AssertionError
            assert caught.value.code == status
            assert TOKEN not in caught.value.reason
            assert place.refusals == {reason: 1}
            assert place.host.counters.calls == {}

    trio.run(main)


def test_a_page_in_a_browser_is_not_let_in(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place:
            with pytest.raises(RemoteError) as caught:
                async with calling(place, headers=(("Origin", "https://evil.example"),)):
                    raise AssertionError
            assert caught.value.code == 403
            assert place.refusals == {"origin": 1}

    trio.run(main)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("%00A%1Bnn%EF%BF%BE", "\ufffdA\ufffdnn\ufffd"),
        ("%F0%9F%98%80%C2%85%7F%ED%A0%80%FF", "\U0001f600\x85\x7f" + 4 * "\ufffd"),
        ("A%09n%0Dn%0A", "A n n "),
        ("%22/%3E%3CDial%3E%26", '"/><Dial>&'),
    ],
)
@pytest.mark.parametrize("field", ["CallerName", "From", "To"])
def test_no_name_breaks_the_twiml(echo: Path, field: str, given: str, told: str) -> None:
    async def main() -> None:
        async with served(echo) as place:
            for method, query, body in (("POST", "", f"{field}={given}"), ("GET", f"?{field}={given}", "")):
                url = f"http://{HOST}:{place.port}/twiml/a%00{query}"
                answer = await http_request(place.network, method, url, body=body.encode())
                (stream,) = ElementTree.fromstring(answer.body).iter("Stream")
                assert [parameter.get("value") for parameter in stream] == [told]

    trio.run(main)


def test_twilio_is_told_where_to_go_and_its_ticket_is_good_once(echo: Path) -> None:
    async def main() -> None:
        async with served(echo, Keys(token=TOKEN)) as place:
            url = f"http://{HOST}:{place.port}/twiml/sales?token={TOKEN}&customData=order%2017"
            form = b"From=%2B493012345&To=%2B15550100&CallerName=%22%3CAnn%3E%26%22&AnsweredBy=human&CallStatus=ringing"
            answer = await http_request(place.network, "POST", url, body=form)
            (stream,) = ElementTree.fromstring(answer.body).iter("Stream")
            parameters = {parameter.get("name"): parameter.get("value") for parameter in stream}
            assert parameters == {
                "callerid": "+493012345",
                "destination": "+15550100",
                "displayName": '"<Ann>&"',
                "customData": "order 17",
                "AnsweredBy": "human",
            }
            target = str(stream.get("url")).removeprefix(place.url(""))
            assert target.startswith("/media/twilio/sales/~")
            assert TOKEN not in target
            async with calling(place, target) as call:
                call.start()
                await call.say(tone(8000, 0.2))
                assert len(place.host.sessions) == 1
            with pytest.raises(RemoteError) as caught:
                async with calling(place, target):
                    raise AssertionError
            assert caught.value.code == 403
            assert place.refusals == {"replay": 1}

    in_virtual_time(main)


def test_the_address_that_twilio_is_told_is_one_whatever_its_path(echo: Path) -> None:
    async def main() -> None:
        async with served(echo, Keys(token=TOKEN)) as place:
            for path in ("", "/sales%20team%3F/b%C3%BCro"):
                url = f"http://{HOST}:{place.port}/twiml{path}?token={TOKEN}"
                answer = await http_request(place.network, "GET", url)
                (stream,) = ElementTree.fromstring(answer.body).iter("Stream")
                assert str(stream.get("url")).startswith(place.url(f"/media/twilio{path}/~"))

    trio.run(main)


@pytest.mark.parametrize(("method", "query", "status"), [("GET", "", 401), ("DELETE", f"?token={TOKEN}", 405)])
def test_twiml_is_for_those_who_know_the_token(echo: Path, method: str, query: str, status: int) -> None:
    async def main() -> None:
        async with served(echo, Keys(token=TOKEN)) as place:
            answer = await http_request(place.network, method, f"http://{HOST}:{place.port}/twiml{query}")
            assert answer.status == status
            assert (("WWW-Authenticate", "Bearer") in answer.headers) == (status == 401)

    trio.run(main)


def test_a_body_too_long_to_be_twilios(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place:
            url = f"http://{HOST}:{place.port}/twiml"
            answer = await http_request(place.network, "POST", url, body=b"x" * (BODY_LIMIT + 1))
            assert answer.status == 413
            assert place.refusals == {"malformed": 1}

    trio.run(main)


def test_what_parts_a_body_into_chunks_may_not_be_longer_than_a_body(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place:
            begin = b"POST /twiml HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            assert b"413" in await ask(place, begin + (b"1;" + b"x" * 30_000 + b"\r\na\r\n") * 10)
            assert place.refusals == {"malformed": 1}

    in_virtual_time(main)


@pytest.mark.parametrize("mistake", [(b"Upgrade: websocket\r\n", b""), (b"n: 13", b"n: 8"), (b"GET", b"POST")])
def test_who_asks_for_no_websocket_is_counted(network: Network, echo: Path, mistake: tuple[bytes, bytes]) -> None:
    asked = (
        b"GET /media/twilio HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    async def main() -> None:
        async with served(echo, network=network) as place:
            assert b"HTTP/1.1 4" in await ask(place, asked.replace(*mistake))
            await trio.testing.wait_all_tasks_blocked()
            assert place.refusals == {"handshake": 1}

    trio.run(main)


def test_a_message_too_long_ends_its_connection(network: Network, echo: Path) -> None:
    async def main() -> None:
        async with served(echo, network=network) as place, calling(place) as call:
            call.start()
            call.socket.send("x" * (MESSAGE_LIMIT + 1))
            assert (await call.over()).code == 1009
            await place.over(1)

    trio.run(main)


async def ask(place: Served, head: bytes) -> bytes:
    """What the server answers to the beginning of a request that never ends."""
    async with await place.network.connect(HOST, place.port, tls=False) as stream:
        await stream.send_all(head)
        return bytes(await stream.receive_some())


def test_a_slow_and_an_endless_handshake(echo: Path) -> None:
    async def main() -> None:
        async with served(echo) as place:
            begin = trio.current_time()
            assert b"408" in await ask(place, b"GET /media/twilio HTTP/1.1\r\n")
            assert trio.current_time() - begin == pytest.approx(10.0)
            assert b"431" in await ask(place, b"GET /media/twilio HTTP/1.1\r\nx: " + bytes(65) * 1024)
            assert place.refusals == {"slow": 1, "malformed": 1}

    in_virtual_time(main)


@contextmanager
def half_open(port: int, count: int) -> Iterator[None]:
    """So many connections that say nothing."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection((HOST, port))).send(b"GET /media/tw")
        yield


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_thousand_half_open_connections_disturb_no_call(echo: Path) -> None:
    said = tone(8000, 3.0)

    async def main() -> tuple[int, int, Samples]:
        """Late ticks without the crowd and with it, and what was heard."""
        turnstile = Turnstile(most=164, most_silent=64, most_silent_of_all=256)
        async with served(echo, network=TcpNetwork(), turnstile=turnstile) as place, calling(place) as call:
            call.start()
            await call.say(said)
            before, late_before = resident(), place.host.ticker.late
            async with trio.open_nursery() as nursery:
                nursery.start_soon(call.say, said)
                await trio.run_process([sys.executable, "-c", CROWD, *map(str, (place.port, HALF_OPEN, 64))])
            grown = resident() - before
            call.hang_up()
            await call.over()
            assert place.refusals["crowd"] >= HALF_OPEN - 64
            assert grown < 8 * 1024 * 1024
            return late_before, place.host.ticker.late - late_before, call.heard

    with undisturbed():
        late_before, late, heard = trio.run(main)
        assert late <= late_before + 10  # of 150: the machine has other things to do as well
        assert len(heard) > 5.5 * 8000
        assert np.abs(heard[40_000:44_000]).max() > 5000


CROWD = """
import selectors, socket, sys
port, count, most = map(int, sys.argv[1:])
crowd = selectors.DefaultSelector()
for _ in range(count):
    crowd.register(socket.create_connection(("127.0.0.1", port)), selectors.EVENT_READ)
for key in crowd.get_map().values():
    try:
        key.fileobj.send(b"GET /media/tw")
    except OSError:
        pass
while len(crowd.get_map()) > most:
    for key, _ in crowd.select():
        crowd.unregister(key.fileobj)
"""
"""A thousand connections that say nothing, from a process of their own, until no more than may are left."""


def test_the_crowd_is_let_in_again_once_it_has_thinned_out(echo: Path) -> None:
    async def main() -> None:
        turnstile = Turnstile(most_silent=2)
        async with served(echo, network=TcpNetwork(), turnstile=turnstile) as place:
            with half_open(place.port, 3):
                assert await ask(place, b"GET / HTTP/1.1\r\n") == b""
            async with calling(place) as one, calling(place) as other, calling(place) as third:
                for call in (one, other, third):
                    call.start()
                await third.say(tone(8000, 0.1))
                assert len(place.host.sessions) == 3

    trio.run(main)


PATHS = ("/twiml", "/twiml/", "/media/twilio", "/media/telnyx/x", "/media/plivo", "/media/l16", "/media/voximplant/~")
SAID = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12)
LOCKS = st.sampled_from(["", "Basic ", "Bearer ", "Bearer a.b.", "Bearer e30.e30.", "[", "[::1", "//", "%"])
VALUES = st.tuples(LOCKS, SAID).map("".join) | st.sampled_from(["websocket", "https", "Basic /w==", "0", "-1", "a,b"])
NAMES = ["Host", "Upgrade", "Origin", "Authorization", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Twilio-Signature"]
NAMES += ["X-Plivo-Signature-V3", "X-Plivo-Signature-V3-Nonce", "X-Telnyx-Streaming-Auth-Token"]
HEADERS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES))


@given(st.sampled_from(["GET", "POST"]), st.sampled_from(PATHS), SAID, HEADERS, st.binary(max_size=20))
def test_no_odd_request_ends_the_serving(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    lines = [f"{method} {path}?{quote(query, '%=&')} HTTP/1.1", *(f"{name}: {it}" for name, it in headers.items())]
    lines += [] if "Host" in headers else ["Host: x"]
    lines += [f"Content-Length: {len(body)}"]
    asked = "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    async def main() -> None:
        async with served(Path("echo.py"), Keys(token=TOKEN, twilio="t", plivo="p", vonage="v")) as place:
            stream = await place.network.connect(HOST, place.port, tls=False)
            await stream.send_all(asked)
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 ")
            await stream.aclose()

    in_virtual_time(main)


@pytest.fixture(params=["memory", "tcp"])
def network(request: pytest.FixtureRequest) -> Network:
    return MemoryNetwork() if request.param == "memory" else TcpNetwork()
