"""What scenarios ask other servers: in simulated calls, and a real server of Python's own."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from threading import Thread

import pytest
import trio

from voxrun.api.vox import vox_language
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Outcome, Session
from voxrun.testing import SimulatedCall, at, cut, refuse, simulate, stall
from voxrun.testing.web import Answer
from voxrun.transports.network import TcpNetwork
from voxrun.transports.server import Reply, Request

URL = "https://crm.example/customers"

Ask = Callable[..., SimulatedCall]


@pytest.fixture
def play(tmp_path: Path) -> Ask:
    def run(source: str, web: Mapping[str, Answer] | None = None, **more: object) -> SimulatedCall:
        path = tmp_path / "scenario.py"
        path.write_text("import json\nfrom voxrun import *\n" + dedent(source).lstrip("\n"))
        return simulate(path, caller=None, web=web or {}, **more)  # type: ignore[arg-type]

    return run


@pytest.fixture
def ask(play: Ask) -> Ask:
    """One request, whose result is written to the log."""

    def run(arguments: str, web: Mapping[str, Answer] | None = None, **more: object) -> SimulatedCall:
        return play(
            f"""
            @VoxEngine.on(AppEvents.Started)
            async def started(event):
                result = await Net.httpRequestAsync({arguments})
                Logger.write(json.dumps([result.code, result.text, result.error]))
                VoxEngine.terminate()
            """,
            web,
            **more,
        )

    return run


def result_of(call: SimulatedCall) -> tuple[int, str | None, str | None]:
    """Code, text and error of the result in the log."""
    call.expectOk()
    code, text, error = json.loads(call.log[0])
    return code, text, error


def test_an_answer_and_what_was_asked(ask: Ask) -> None:
    call = ask(
        f'"{URL}?page=2", method="POST", postData=json.dumps({{"name": "Ada"}}), '
        'headers={"Content-Type": "application/json", "X-Id": 7}, params={"sort": "by name", "id": [1, 2]}',
        {URL: lambda request: {"found": json.loads(request.body)["name"]}},
    )
    assert result_of(call) == (200, '{"found": "Ada"}', None)
    (request,) = call.webRequests
    assert (request.method, request.target) == ("POST", "/customers?page=2&sort=by+name&id=1&id=2")
    assert (request.headers["host"], request.headers["content-type"]) == ("crm.example", "application/json")
    assert (request.headers["x-id"], request.headers["user-agent"]) == ("7", "voxrun")
    assert request.body == b'{"name": "Ada"}'


def test_values_are_sent_as_json_has_them(ask: Ask) -> None:
    values = '{"a": True, "b": None, "c": [False, 1.5], "d": {"e": True}}'
    call = ask(f'"{URL}", params={values}, headers={{"X-New": True}}', {URL: "here"}).expectOk()
    (request,) = call.webRequests
    assert request.query == {"a": "true", "b": "null", "c": "1.5", "d": '{"e": true}'}
    assert "&c=false&" in request.target
    assert request.headers["x-new"] == "true"


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        ("grüße", 200, "grüße"),
        ('\ufeff{"a": 1}', 200, '{"a": 1}'),
        (404, 404, ""),
        ([1, {"a": None}], 200, '[1, {"a": null}]'),
        (b"\xff\xfe\x00", 200, None),
        (Reply(201, "ä".encode("latin-1"), 'text/html; Charset="ISO-8859-1"'), 201, "ä"),
        (Reply(200, b"x", "text/plain; charset=klingon"), 200, None),
        (Reply(200, b"a", "text/plain; charset=unicode_escape"), 200, None),
        (Reply(200, b"bcher-kva", "text/plain; charset=-PunyCode"), 200, None),  # a megabyte would take minutes
        (Reply(200, b"xn--bcher-kva", "text/plain; charset=idna"), 200, None),
        (Reply(301, b"no place named"), 301, "no place named"),
        (lambda _: lambda _: 503, 503, ""),
    ],
)
def test_whatever_is_answered_is_a_result(ask: Ask, answer: Answer, code: int, text: str | None) -> None:
    assert result_of(ask(f'"{URL}"', {"https://crm.example": answer})) == (code, text, None)


def test_bytes_and_headers(play: Ask) -> None:
    call = play(
        f"""
        def take(result):
            Logger.write(result.data == bytes([0, 255]) and result.text is None)
            Logger.write([header.value for header in result.headers if header.key == "Set-Cookie"])
            Logger.write(result.raw_headers.splitlines()[0])
            VoxEngine.terminate()

        Net.httpRequest("{URL}", take, {{"rawOutput": True, "method": "put", "postData": [0, 255]}})
        """,
        {URL: lambda request: Reply(200, request.body, "a/b", (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))},
    ).expectOk()
    assert call.log == ["True", "['a=1', 'b=2']", "Set-Cookie: a=1"]
    assert call.webRequests[0].method == "PUT"


def redirected(request: Request) -> Reply:
    page = int(request.path.rpartition("/")[2] or 0)
    return Reply(302, headers=(("Location", f"/{page + 1}"),)) if page < 5 else Reply(200, b"found")


def test_redirects_are_followed_and_have_an_end(ask: Ask) -> None:
    web = {
        "http://round": redirected,
        "http://maze": lambda _: Reply(302, headers=(("Location", "/"),)),
        "http://void": Reply(302, headers=(("Location", "http://[b"),)),
    }
    assert result_of(ask('"http://round"', web)) == (200, "found", None)
    assert result_of(ask('"http://void"', web)) == (-2, None, "'http://[b' is not a http:// or https:// address")
    assert result_of(ask('"http://maze"', web)) == (-5, None, "more than 5 redirects, one after the other")


@pytest.mark.parametrize(
    ("arguments", "faults", "code", "words"),
    [
        ('"crm.example/x"', (), -2, "'crm.example/x' is not a http:// or https:// address"),
        ('"https://crm.example/\\ud83d"', (), -2, r"'https://crm.example/\ud83d' is not a http:// or https:// address"),
        ('"https://ada:p/pw@crm.example/x?q"', (), -2, "'crm.example/x' is not a http:// or https:// address"),
        ('"https://ada:pw@crm.example/x?q"', (), -2, "'https://crm.example/x' came with a name or password"),
        (
            '"https://nowhere.example/"',
            (),
            -3,
            "web has no nowhere.example: a test says there what that answers",
        ),
        (f'"{URL}"', (at(0, refuse(1)),), -4, "refused the connection: the simulation has it so"),
        (f'"{URL}", timeout=2', (at(0, stall(9)),), -7, "crm.example:443 did not answer the HTTP request within 2 s"),
        (f'"{URL}"', (at(0, stall(9)), at(1, cut())), -6, "crm.example:443 broke off during the HTTP request"),
        ('"https://crm.example/large"', (), -9, "sent an HTTP response of more than 2097152 bytes"),
    ],
)
def test_what_goes_wrong_is_a_result_as_well(
    ask: Ask, arguments: str, faults: tuple[object, ...], code: int, words: str
) -> None:
    web: dict[str, Answer] = {URL: "here", "https://crm.example/large": b"x" * 2_100_000}
    got, text, error = result_of(ask(arguments, web, faults=faults, idleSeconds=60.0))
    assert (got, text) == (code, None)
    assert error is not None
    assert words in error
    assert "pw" not in error


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("await Net.httpRequestAsync(7)", "httpRequestAsync needs a text, but was given 7"),
        ("await Net.httpRequestAsync(U, method='FETCH')", "knows no method 'FETCH': it has GET, POST"),
        ("await Net.httpRequestAsync(U, postData='x')", "no postData is sent with GET: say method='POST' as well"),
        ("await Net.httpRequestAsync(U, method='POST', postData={'a': 1})", "{'a': 1}: make JSON of it first"),
        ("await Net.httpRequestAsync(U, method='POST', postData=[256])", "[256]: make JSON of it first"),
        ("await Net.httpRequestAsync(U, headers='A: b')", "needs its headers by name, or each as a text such as"),
        ("await Net.httpRequestAsync(U, headers=['b'])", "needs its headers by name, or each as a text such as"),
        ("await Net.httpRequestAsync(U, headers={'a': 'b\\nc'})", "the HTTP header 'a' holds a line break"),
        ("await Net.httpRequestAsync(U, headers=['Host: a', 'Host: b'])", "the HTTP header 'Host' is there twice"),
        ("await Net.httpRequestAsync(U, params='a=b')", "needs its params by name, but was given 'a=b'"),
        ("await Net.httpRequestAsync(U, timeout=91)", "needs 'timeout' in seconds, at most 90, but was given 91"),
        ("await Net.httpRequestAsync(U, connectionTimeout=0)", "'connectionTimeout' in seconds, at most 6"),
        ("await Net.httpRequestAsync(U, body='x')", "httpRequestAsync has no parameter 'body'"),
        ("Net.httpRequest(U, {'method': 'POST'})", "needs a function after the URL, but was given {'method': 'POST'}"),
        ("Net.sendMail()", "use Python's smtplib"),
    ],
)
def test_a_mistake_is_told_with_its_line(play: Ask, call: str, words: str) -> None:
    ran = play(f"""
        U = "{URL}"

        @VoxEngine.on(AppEvents.Started)
        async def started(event):
            {call}
        """)
    assert "scenario.py:7" in str(ran.outcome.error)
    assert words in str(ran.outcome.error)


def test_the_trace_tells_of_it_without_what_may_be_secret(ask: Ask) -> None:
    call = ask(f'"{URL}?key=s3cret#part"', {URL: "here"})
    (record,) = call.ofKind("http")
    assert {name: record[name] for name in ("method", "url", "code", "error")} == {
        "method": "GET",
        "url": URL,
        "code": 200,
        "error": None,
    }
    assert f"GET {URL}: 200" in call.explain()
    assert not ask(f'"{URL}", enableSystemLog=False', {URL: "here"}).ofKind("http")


def test_too_many_at_once_are_told_so(play: Ask) -> None:
    call = play(
        f"""
        codes = []

        def take(result):
            codes.append(result.code)
            if len(codes) == 36:
                Logger.write([codes.index(0), codes.count(200)])
                VoxEngine.terminate()

        for _ in range(36):
            Net.httpRequest("{URL}", take)
        """,
        {URL: "here"},
    ).expectOk()
    assert call.log == ["[0, 35]"]


def test_what_was_begun_is_sent_before_the_session_ends(play: Ask) -> None:
    call = play(
        f"""
        @VoxEngine.on(AppEvents.Started)
        async def started(event):
            setTimeout(VoxEngine.terminate, 10)
            Net.httpRequest("{URL}", lambda result: Logger.write("too late"))
            await Net.httpRequestAsync("{URL}", method="POST", postData="bye")
            Logger.write("never")

        @VoxEngine.on(AppEvents.Terminating)
        async def terminating(event):
            Logger.write((await Net.httpRequestAsync("{URL}", method="DELETE")).code)
            Logger.write((await Net.httpRequestAsync("{URL}")).error)

        @VoxEngine.on(AppEvents.Terminated)
        def terminated(event):
            Net.httpRequest("{URL}", Logger.write)
        """,
        {URL: "here"},
        faults=(at(0, stall(3)),),
    ).expectOk()
    *both, last = [request.method for request in call.webRequests]  # two at the same time, in any order
    assert (sorted(both), last) == (["GET", "POST"], "DELETE")
    assert call.log == ["200", "there are 35 requests already, or the session is over"]
    assert call.warnings == ["the session ends when its HTTP requests are through: 2 are not yet"]
    assert call.seconds == pytest.approx(3, abs=0.1)


def test_what_terminating_begins_and_does_not_wait_for_is_sent_as_well(play: Ask) -> None:
    call = play(
        f"""
        setTimeout(VoxEngine.terminate, 10)

        @VoxEngine.on(AppEvents.Terminating)
        def terminating(event):
            Net.httpRequest("{URL}", Logger.write)
        """,
        {URL: "here"},
        faults=(at(0, stall(0.5)),),
    ).expectOk()
    assert len(call.webRequests) == 1
    assert call.seconds == pytest.approx(0.5, abs=0.1)


def test_in_the_language(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text(
        dedent(f"""
        on AppEvents.Started {{
            const found = await Net.httpRequestAsync("{URL}", {{
                method: "POST",
                postData: text({{ name: "Ada" }}),
                headers: ["Content-Type: application/json"],
                params: {{ page: 2 }},
            }})
            log "${{found.code}} ${{parse(found.text).found}} ${{found.headers[0].value}}"
            Net.httpRequest("https://nowhere.example", fn(result) {{
                log "${{result.code}} ${{result.text}}"
                VoxEngine.terminate()
            }})
        }}
        """)
    )
    web: dict[str, Answer] = {URL: lambda request: {"found": [request.target, json.loads(request.body)]}}
    call = simulate(path, caller=None, web=web).expectOk()
    assert call.log == ['200 ["/customers?page=2", {"name": "Ada"}] application/json', "-3 null"]


def test_a_sandbox_has_no_way_out(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text(f'on AppEvents.Started {{\n    await Net.httpRequestAsync("{URL}")\n}}\n')
    outcome, _ = run(path, is_sandboxed=True)
    assert str(outcome.error).startswith(f"{path}:2:5: in a handler of Application.Started: --sandbox allows no HTTP")


class Page(BaseHTTPRequestHandler):
    """Says what it was told."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps([self.path, self.headers.get_all("Host"), body.decode()]).encode()
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (answer[:5], answer[5:], b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as listening:
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def run(scenario: Path, *, is_sandboxed: bool = False) -> tuple[Outcome, list[str]]:
    """The scenario over real sockets, and what it wrote to its log."""
    log = []

    def note(line: str) -> None:
        record = json.loads(line)
        if record["kind"] == "log":
            log.append(record["message"])

    async def main() -> Outcome:
        ticker = Ticker()
        services = Services(
            secrets=Secrets({}, {}), network=TcpNetwork(), language=vox_language, is_sandboxed=is_sandboxed
        )
        session = Session(scenario, services, ticker)
        session.trace_log.subscribe(note)
        return await session.run()

    return trio.run(main), log


def test_a_real_server(server: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    path = tmp_path / "scenario.py"
    path.write_text(
        dedent(f"""
        from voxrun import *

        @VoxEngine.on(AppEvents.Started)
        async def started(event):
            headers = ["Host: crm.example", "Content-Length: 77", "Connection: keep-alive"]
            result = await Net.httpRequestAsync(
                "http://{server}/a b?c", method="POST", postData="grüße", headers=headers)
            Logger.write(result.text)
            Logger.write((await Net.httpRequestAsync("http://127.0.0.1:{nobody}/")).code)
            Logger.write((await Net.httpRequestAsync("https://{server}/")).code)
            Logger.write((await Net.httpRequestAsync("http://{server}/", method="POST")).code)
            VoxEngine.terminate()
        """)
    )
    outcome, log = run(path)
    assert outcome.error is None
    assert json.loads(log[0]) == ["/a%20b?c", ["crm.example"], "grüße"]
    assert log[1:] == ["-4", "-4", "200"]
