"""The local agent as its clients find it: signed URLs, refusals, and a process of its own."""

import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest
import trio
from tests.kit import in_virtual_time, inline
from tests.localagent.caller import HOST, PORT, URL, Caller, with_agent, write_script

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.localagent.server import CONVERSATION_PATH, SIGNED_URL_PATHS, serve_agent
from voxrun.localagent.signatures import LIFETIME_SECONDS, MOST, Signatures
from voxrun.transports.http import http_request
from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork
from voxrun.transports.websocket import open_websocket

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

BASE = f"http://{HOST}:{PORT}"
KEY = (("xi-api-key", "any"),)
GET_URL = f"{BASE}{SIGNED_URL_PATHS[0]}"


async def signed_url(network: Network, query: str = "agent_id=a") -> str:
    """A new one, for that query."""
    response = await http_request(network, "GET", f"{GET_URL}?{query}", headers=KEY)
    assert response.status == 200
    return str(msgspec.json.decode(response.body)["signed_url"])


async def is_greeted(network: Network, url: str) -> str:
    """The agent's first response at that URL."""
    async with open_websocket(network, url) as socket, trio.open_nursery() as nursery:
        caller = Caller(socket)
        nursery.start_soon(caller.listen)
        caller.send(caller.protocol.initiate())
        response = await caller.until("agent_response")
        nursery.cancel_scope.cancel()
    return str(response.payload.agent_response)


@pytest.mark.parametrize("path", SIGNED_URL_PATHS)
@pytest.mark.parametrize("agent_id", ["agent_receptionist", "a&b=c #d/ä?%"])
def test_a_signed_url_leads_to_a_conversation(path: str, agent_id: str) -> None:
    async def main(network: Network) -> None:
        query = "?" + urlencode({"agent_id": agent_id})
        response = await http_request(network, "GET", f"{BASE}{path}{query}", headers=KEY)
        assert response.status == 200
        url = msgspec.json.decode(response.body)["signed_url"]
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"ws://{HOST}:{PORT}/v1/convai/conversation"
        sent = dict(parse_qsl(parts.query, strict_parsing=True))
        assert sent.pop("conversation_signature").startswith("cvtkn_")
        assert sent == {"agent_id": agent_id}
        assert (await is_greeted(network, url)).startswith("Hello")

    with_agent(main)


@pytest.mark.parametrize(
    ("method", "url", "headers", "status", "detail"),
    [
        ("GET", f"{GET_URL}?agent_id=a", (), 401, "the header xi-api-key is missing"),
        ("GET", f"{GET_URL}?agent_id=a", (("xi-api-key", ""),), 401, "the header xi-api-key is missing"),
        ("GET", GET_URL, KEY, 422, "agent_id is missing"),
        ("GET", f"{GET_URL}?agent_id=", KEY, 422, "agent_id is missing"),
        ("GET", URL.replace("ws://", "http://").replace("agent_id=a", ""), (), 422, "agent_id is missing"),
        ("POST", f"{GET_URL}?agent_id=a", KEY, 405, "only GET is answered here"),
        ("POST", URL.replace("ws://", "http://"), KEY, 405, "only GET is answered here"),
        ("GET", f"{BASE}/", KEY, 404, "not found"),
        ("GET", f"{BASE}/v1/convai/conversations", KEY, 404, "not found"),
        ("GET", f"{GET_URL}/?agent_id=a", KEY, 404, "not found"),
    ],
)
def test_refusals_say_why(
    method: str, url: str, headers: tuple[tuple[str, str], ...], status: int, detail: str
) -> None:
    async def main(network: Network) -> None:
        response = await http_request(network, method, url, headers=headers)
        assert (response.status, msgspec.json.decode(response.body)) == (status, {"detail": detail})

    with_agent(main)


def test_a_conversation_is_no_plain_request() -> None:
    async def main(network: Network) -> None:
        response = await http_request(network, "GET", URL.replace("ws://", "http://"))
        assert response.status == 426

    with_agent(main)


def test_head_is_get_without_the_body() -> None:
    async def main(network: Network) -> None:
        async with await network.connect(HOST, PORT, tls=False) as stream:
            target = f"{SIGNED_URL_PATHS[0]}?agent_id=a"
            await stream.send_all(f"HEAD {target} HTTP/1.1\r\nHost: x\r\nxi-api-key: k\r\n\r\n".encode())
            answer = b""
            with trio.move_on_after(0.5):
                while data := await stream.receive_some():
                    answer += data
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\n")

    with_agent(main)


def test_no_signature_will_do_and_a_wrong_one_will_not() -> None:
    async def main(network: Network) -> None:
        assert (await is_greeted(network, URL)).startswith("Hello")
        for signature in ("cvtkn_" + "0" * 32, "x", "%00"):
            with pytest.raises(RemoteError) as caught:
                await is_greeted(network, f"{URL}&conversation_signature={signature}")
            assert (caught.value.code, caught.value.reason) == (403, '{"detail":"this signature is not valid"}')

    with_agent(main)


async def is_refused(network: Network, url: str) -> None:
    with pytest.raises(RemoteError) as caught:
        await is_greeted(network, url)
    assert (caught.value.code, caught.value.reason) == (403, '{"detail":"this signature is not valid"}')


def test_a_signed_url_is_good_for_one_conversation() -> None:
    async def main(network: Network) -> None:
        first, second = await signed_url(network), await signed_url(network)
        for url in (second, first):
            assert (await is_greeted(network, url)).startswith("Hello")
        for url in (first, second):
            await is_refused(network, url)

    with_agent(main)


@pytest.mark.parametrize(("waits", "is_valid"), [(LIFETIME_SECONDS - 1, True), (LIFETIME_SECONDS, False)])
def test_a_signed_url_expires(waits: float, is_valid: bool) -> None:
    async def main(network: Network) -> None:
        url = await signed_url(network)
        await trio.sleep(waits)
        if is_valid:
            assert (await is_greeted(network, url)).startswith("Hello")
        else:
            await is_refused(network, url)

    with_agent(main)


def test_unused_signatures_are_bounded_and_counted() -> None:
    async def main() -> None:
        signatures = Signatures()
        issued = [signatures.issue(f"conv_{number}") for number in range(MOST + 2)]
        assert signatures.dropped == 2
        assert [signatures.redeem(issued[number]) for number in (0, 1, 2, -1)] == [None, None, "conv_2", issued_last]
        await trio.sleep(LIFETIME_SECONDS)
        signatures.issue("conv_new")
        assert signatures.dropped == 2
        assert signatures.redeem(issued[3]) is None

    issued_last = f"conv_{MOST + 1}"
    in_virtual_time(main)


async def conversation_id(network: Network, url: str) -> str:
    """What the metadata of a conversation at that URL say."""
    async with open_websocket(network, url) as socket, trio.open_nursery() as nursery:
        caller = Caller(socket)
        nursery.start_soon(caller.listen)
        caller.send(caller.protocol.initiate())
        metadata = await caller.until("conversation_initiation_metadata")
        nursery.cancel_scope.cancel()
    return str(metadata.payload.conversation_id)


def test_the_conversations_id_is_in_the_url_when_it_is_asked_for() -> None:
    async def main(network: Network) -> None:
        url = await signed_url(network, "agent_id=a&include_conversation_id=true")
        promised = dict(parse_qsl(urlsplit(url).query))["conversation_id"]
        others = [await conversation_id(network, other) for other in (URL, await signed_url(network))]
        assert await conversation_id(network, url) == promised
        assert len({promised, *others}) == 3
        assert "conversation_id" not in await signed_url(network, "agent_id=a&include_conversation_id=false")

    with_agent(main)


def test_agents_that_are_listed_are_all_there_are(tmp_path: Path) -> None:
    async def main(network: Network) -> None:
        assert (await is_greeted(network, await signed_url(network, "agent_id=b"))).startswith("Hello")
        response = await http_request(network, "GET", f"{GET_URL}?agent_id=c", headers=KEY)
        assert (response.status, msgspec.json.decode(response.body)) == (404, {"detail": "there is no such agent"})
        with pytest.raises(RemoteError, match="404"):
            await is_greeted(network, URL.replace("agent_id=a", "agent_id=c"))
        assert (await is_greeted(network, URL)).startswith("Hello")

    with_agent(main, write_script(tmp_path, 'agents = ["a", "b"]'))


def test_keys_that_are_listed_are_all_that_are_valid(tmp_path: Path) -> None:
    async def main(network: Network) -> None:
        response = await http_request(network, "GET", f"{GET_URL}?agent_id=a", headers=(("xi-api-key", "no"),))
        assert (response.status, msgspec.json.decode(response.body)) == (401, {"detail": "this key is not valid"})
        with pytest.raises(RemoteError, match="401"):
            await is_greeted(network, URL)
        assert (await is_greeted(network, await signed_url(network))).startswith("Hello")

    with_agent(main, write_script(tmp_path, 'api_keys = ["other", "any"]'))


def test_another_agent_does_not_take_the_signature_of_the_first() -> None:
    urls: list[str] = []

    async def sign(network: Network) -> None:
        response = await http_request(network, "GET", f"{GET_URL}?agent_id=a", headers=KEY)
        urls.append(msgspec.json.decode(response.body)["signed_url"])

    async def refuse(network: Network) -> None:
        with pytest.raises(RemoteError, match="403"):
            await is_greeted(network, urls[0])

    with_agent(sign)
    with_agent(refuse)


def serve_and(main: Callable[[Network, int], Awaitable[None]], network: Network, script: str = "") -> None:
    """Run `main(network, port)` beside an agent on any port."""

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve_agent, offload=inline), network, "127.0.0.1", 0, script)
            await main(network, port)
            nursery.cancel_scope.cancel()

    trio.run(run)


@pytest.mark.parametrize("network", [TcpNetwork(), MemoryNetwork()])
def test_a_port_in_use(network: Network) -> None:
    async def main(network: Network, port: int) -> None:
        with pytest.raises(ConfigurationError, match=rf"can't listen on 127\.0\.0\.1:{port}: .*in use"):
            await serve_agent(network, "127.0.0.1", port)

    serve_and(main, network)


def test_a_script_that_is_wrong_or_cannot_be_recognised(tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text(
        'greeting = "a"\nnot_understood = "b"\ntool_failed = "c"\n[[turn]]\nexpects = ["qwxyzzy"]\nsays = "d"\n'
    )
    for path, message in (
        (script, r"script\.toml: the local agent can't recognise 'qwxyzzy'"),
        (tmp_path / "none.toml", "can't read"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            trio.run(serve_agent, MemoryNetwork(), HOST, 0, str(path))


@pytest.mark.parametrize("library", ["webrtcvad", "pocketsphinx", "espeakng_loader"])
def test_a_missing_library_is_told_before_anybody_calls(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match=rf"needs {library}.*\n.*pip install 'voxrun\[local-agent\]'"):
        trio.run(serve_agent, MemoryNetwork(), HOST, 0)


def test_blocking_work_is_done_in_threads_and_over_tcp() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve_agent, TcpNetwork(), "127.0.0.1", 0)
            url = URL.replace(f"{HOST}:{PORT}", f"127.0.0.1:{port}")
            assert (await is_greeted(TcpNetwork(), url)).startswith("Hello")
            nursery.cancel_scope.cancel()

    with_timeout(main)


def with_timeout(main: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        with trio.fail_after(30):
            await main()

    trio.run(run)


@pytest.mark.slow
def test_a_process_of_its_own() -> None:
    command = [sys.executable, "-W", "error", "-m", "voxrun", "agent", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.fullmatch(r"the local agent listens on http://(127\.0\.0\.1:\d+)\n", line)
        assert address is not None, line

        async def main() -> None:
            url = f"http://{address[1]}{SIGNED_URL_PATHS[0]}?agent_id=a"
            response = await http_request(TcpNetwork(), "GET", url, headers=KEY)
            signed = msgspec.json.decode(response.body)["signed_url"]
            assert (await is_greeted(TcpNetwork(), signed)).startswith("Hello")
            direct = f"ws://{address[1]}{CONVERSATION_PATH}?agent_id=a"
            async with open_websocket(TcpNetwork(), direct) as socket:  # a caller is there when it ends
                process.terminate()
                await socket.pump(lambda _: None)

        try:
            with_timeout(main)
            out, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, out, errors) == (0, "", "")
