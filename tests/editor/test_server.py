"""The language server as a process of its own, asked as an editor does: JSON-RPC over its input and output."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pygls")

pytestmark = pytest.mark.slow

URI = "file:///reception.vox"
TEXT = """\
on AppEvents.CallAlerting as { call } {
    log "😀 ${call.callerid()}"; call.answer()
}
"""


class Editor:
    """Speaks with a server; answers and notifications are read in the order in which they come."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "voxrun", "lsp"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._number = 0
        self._notifications: list[dict[str, Any]] = []

    def tell(self, method: str, parameters: object) -> None:
        self._send({"method": method, "params": parameters})

    def ask(self, method: str, parameters: object) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._notifications.append(message)

    def ask_at(self, method: str, line: int, character: int) -> Any:
        position = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": URI}, "position": position})

    def diagnostics(self) -> list[dict[str, Any]]:
        """Those that the server publishes next."""
        while True:
            message = self._notifications.pop(0) if self._notifications else self._receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                found: list[dict[str, Any]] = message["params"]["diagnostics"]
                return found

    def open(self, text: str) -> None:
        document = {"uri": URI, "languageId": "vox", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def change(self, version: int, text: str) -> None:
        document = {"uri": URI, "version": version}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def leave(self) -> int:
        """Shut the server down in order; its exit status."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        self._process.communicate(timeout=20)
        return self._process.returncode

    def hang_up(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _send(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while (line := self._process.stdout.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server has hung up"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


@pytest.fixture
def editor() -> Iterator[Editor]:
    editor = Editor()
    editor.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    editor.tell("initialized", {})
    yield editor
    editor.hang_up()


def test_it_says_what_it_can() -> None:
    editor = Editor()
    answer = editor.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert answer["serverInfo"]["name"] == "voxrun"
    able = answer["capabilities"]
    for name in ("completion", "hover", "definition", "documentFormatting", "documentSymbol"):
        assert able[f"{name}Provider"]
    assert editor.leave() == 0


def test_findings_on_opening_and_after_typing(editor: Editor) -> None:
    editor.open(TEXT.replace("answer", "anser"))
    (finding,) = editor.diagnostics()
    assert finding["severity"] == 1
    assert "anser" in finding["message"]
    assert "answer" in finding["message"]
    # an editor counts a character beyond the basic plane as two
    assert finding["range"]["start"] == {"line": 1, "character": 38}
    assert finding["range"]["end"] == {"line": 1, "character": 43}
    for version, text in enumerate((TEXT + "l", TEXT + "lo", TEXT), 2):
        editor.change(version, text)
    assert editor.diagnostics() == []
    editor.change(9, TEXT + "if {")
    (finding,) = editor.diagnostics()
    assert finding["range"]["start"]["line"] == 3
    editor.tell("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert editor.diagnostics() == []


def test_completion_hover_and_definition(editor: Editor) -> None:
    editor.open(TEXT)
    assert editor.diagnostics() == []
    found = {it["label"]: it for it in editor.ask_at("completion", 1, 38)}
    assert found["hangup"]["detail"].startswith("hangup(")
    told = editor.ask_at("hover", 1, 40)
    assert "answer(" in told["contents"]["value"]
    assert told["range"]["start"] == {"line": 1, "character": 38}
    assert editor.ask_at("definition", 1, 34)["range"]["start"] == {"line": 0, "character": 31}
    assert editor.ask_at("hover", 0, 0) is None
    assert editor.ask_at("definition", 7, 3) is None


def test_formatting_and_outline(editor: Editor) -> None:
    editor.open(TEXT)
    request = {"textDocument": {"uri": URI}, "options": {"tabSize": 4, "insertSpaces": True}}
    (edit,) = editor.ask("textDocument/formatting", request)
    assert edit["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 3, "character": 0}}
    assert edit["newText"] == TEXT.replace("; ", "\n    ")
    editor.change(2, edit["newText"])
    assert editor.ask("textDocument/formatting", request) == []
    editor.change(3, "if {")
    assert editor.ask("textDocument/formatting", request) is None
    editor.change(4, TEXT)
    (symbol,) = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": URI}})
    assert symbol["name"] == "on AppEvents.CallAlerting"
