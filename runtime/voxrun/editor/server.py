"""`language_server`: the Language Server Protocol around what is known of a text."""

import asyncio
from collections.abc import Callable, Iterator
from importlib.metadata import version

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from voxrun.dsl.diagnostic import Diagnostic, SyntaxMistake
from voxrun.dsl.formatter import formatted
from voxrun.dsl.nodes import Span
from voxrun.dsl.source import Source
from voxrun.dsl.surface import Surface
from voxrun.editor.analysis import analyse, diagnose
from voxrun.editor.completion import Completion, complete
from voxrun.editor.places import Symbol, define, hover, outline

QUIET_SECONDS = 0.2
"""How long nothing is typed before the text is checked."""

_COMPLETION_KINDS = {
    "function": types.CompletionItemKind.Function,
    "method": types.CompletionItemKind.Method,
    "property": types.CompletionItemKind.Property,
    "event": types.CompletionItemKind.Event,
    "module": types.CompletionItemKind.Module,
    "variable": types.CompletionItemKind.Variable,
    "constant": types.CompletionItemKind.Constant,
    "keyword": types.CompletionItemKind.Keyword,
}
_SYMBOL_KINDS = {
    "function": types.SymbolKind.Function,
    "event": types.SymbolKind.Event,
    "timer": types.SymbolKind.Event,
    "constant": types.SymbolKind.Constant,
    "variable": types.SymbolKind.Variable,
}
_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


class Page:
    """A document as it is now, with its places as the editor counts them: lines from 0, columns in its own units."""

    def __init__(self, document: TextDocument) -> None:
        self.text = document.source
        self.source = Source(document.filename or document.uri, self.text)
        self._units: Callable[[str], int] = document.position_codec.client_num_units
        self._lines = self.text.split("\n")

    def offset(self, position: types.Position) -> int:
        """The place in the text; of a column behind the line's end, that end."""
        line = self._lines[position.line] if position.line < len(self._lines) else ""
        start = sum(len(before) + 1 for before in self._lines[: position.line])
        column = next((n for n in range(len(line)) if self._units(line[:n]) >= position.character), len(line))
        return min(start + column, len(self.text))

    def position(self, offset: int) -> types.Position:
        """The editor's name of a place."""
        before = self.text[:offset]
        return types.Position(before.count("\n"), self._units(before[before.rfind("\n") + 1 :]))

    def range(self, span: Span) -> types.Range:
        """The same of a piece."""
        return types.Range(self.position(span.start), self.position(span.end))


def language_server(surface: Surface) -> LanguageServer:
    """A server for `.vox` files, ready to be started."""
    server = LanguageServer("voxrun", version("voxrun"), text_document_sync_kind=types.TextDocumentSyncKind.Full)
    _tell_findings(server, surface)
    _answer_at_places(server, surface)
    _answer_for_files(server, surface)
    return server


def _page(server: LanguageServer, uri: str) -> Page:
    return Page(server.workspace.get_text_document(uri))


def _tell_findings(server: LanguageServer, surface: Surface) -> None:
    """What is wrong with a file when it is opened, and when nobody has typed for a moment."""
    checks: dict[str, asyncio.TimerHandle] = {}

    def publish(uri: str) -> None:
        checks.pop(uri, None)
        page = _page(server, uri)
        found = [_diagnostic(page, finding) for finding in diagnose(page.source, surface)]
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))

    def forget(uri: str) -> None:
        if uri in checks:
            checks.pop(uri).cancel()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(parameters: types.DidOpenTextDocumentParams) -> None:
        publish(parameters.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(parameters: types.DidChangeTextDocumentParams) -> None:
        uri = parameters.text_document.uri
        forget(uri)
        checks[uri] = asyncio.get_running_loop().call_later(QUIET_SECONDS, publish, uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(parameters: types.DidCloseTextDocumentParams) -> None:
        forget(parameters.text_document.uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(parameters.text_document.uri, []))


def _answer_at_places(server: LanguageServer, surface: Surface) -> None:
    """What may stand at a place, what stands there, and where that comes from."""

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", "{", " ", ","]))
    def completion(parameters: types.CompletionParams) -> list[types.CompletionItem]:
        page = _page(server, parameters.text_document.uri)
        return [_item(found) for found in complete(page.text, page.offset(parameters.position), surface)]

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(parameters: types.HoverParams) -> types.Hover | None:
        page = _page(server, parameters.text_document.uri)
        analysis = analyse(page.text, surface)
        found = analysis and hover(analysis, page.offset(parameters.position))
        if not found:
            return None
        shown = f"```vox\n{found.written}\n```\n\n{found.doc}".rstrip()
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, shown), page.range(found.span))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def defined(parameters: types.DefinitionParams) -> types.Location | None:
        page = _page(server, parameters.text_document.uri)
        analysis = analyse(page.text, surface)
        span = analysis and define(analysis, page.offset(parameters.position))
        return types.Location(parameters.text_document.uri, page.range(span)) if span else None


def _answer_for_files(server: LanguageServer, surface: Surface) -> None:
    """The layout and the outline of a file."""

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def format_all(parameters: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        page = _page(server, parameters.text_document.uri)
        try:
            text = formatted(page.source)
        except SyntaxMistake:
            return None
        return [] if text == page.text else [types.TextEdit(page.range(Span(0, len(page.text))), text)]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(parameters: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        page = _page(server, parameters.text_document.uri)
        analysis = analyse(page.text, surface)
        return list(_symbols(page, outline(analysis.program))) if analysis else []


def _diagnostic(page: Page, finding: Diagnostic) -> types.Diagnostic:
    message = f"{finding.message}\n{finding.advice}" if finding.advice else finding.message
    return types.Diagnostic(page.range(finding.span), message, _SEVERITIES[finding.severity], source="voxrun")


def _item(found: Completion) -> types.CompletionItem:
    return types.CompletionItem(
        found.name, kind=_COMPLETION_KINDS[found.kind], detail=found.written or None, documentation=found.doc or None
    )


def _symbols(page: Page, found: tuple[Symbol, ...]) -> Iterator[types.DocumentSymbol]:
    for it in found:
        yield types.DocumentSymbol(
            it.name,
            _SYMBOL_KINDS[it.kind],
            page.range(it.span),
            page.range(it.name_span),
            children=list(_symbols(page, it.inner)),
        )
