"""`Report`: what `voxrun test` prints in place of pytest's own report: a line for each file, failures, and totals."""

import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import voxrun
from voxrun.dsl.diagnostic import Diagnostic, render
from voxrun.dsl.nodes import Span
from voxrun.dsl.source import Source
from voxrun.session.failure import short_path
from voxrun.testing.plugin import CALL_SECONDS
from voxrun.trace.words import visible

_OUTCOMES = ("passed", "failed", "skipped", "xfailed", "xpassed")
_PREFIX = re.compile(r"^(AssertionError|voxrun\.(errors\.ConfigurationError|testing\.track\.NothingToJudgeError)): ")
_RULE = 100
_STEP = re.compile(r"(\S.*):\d+: in ")
"""How what pytest says of a step on the way to an error begins; what is indented, or begins otherwise, goes with it."""

_INSTALLED = (*map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")), *voxrun.__path__)
"""The folders of Python, of libraries and of voxrun."""


class Report:
    """A pytest plugin; `print_` takes text without a line end."""

    def __init__(self, print_: Any) -> None:
        self.interrupted = False
        """Whether somebody pressed Ctrl-C."""
        self.outcomes: Counter[str] = Counter()
        """How many tests came out how; files that are no tests at all count as failed."""
        self._print = print_
        self._files: dict[str, Counter[str]] = {}
        self._waited_for: Counter[str] = Counter()
        self._failures: list[str] = []
        self._unreadable: set[str] = set()
        self._call_seconds = 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the place of pytest's own."""
        own = config.pluginmanager.getplugin("terminalreporter")
        if own is not None:
            config.pluginmanager.unregister(own)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """In this process, these are the tests."""
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """In others, these; all have the same."""
        if not self._waited_for:
            self._expect(ids)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that can't be read; each process has tried to."""
        if report.failed and report.nodeid not in self._unreadable:
            self._unreadable.add(report.nodeid)
            self.outcomes["failed"] += 1
            self._print(f"{report.nodeid}  can't be read\n")
            self._failures.append(f"{_heading(report.nodeid)}\n{_own_steps(_text_of(report))}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test, or what is before and after it."""
        outcome = _outcome(report)
        if outcome == "failed":
            self._failures.append(_failure(report))
        file = report.nodeid.partition("::")[0]
        counts = self._files.setdefault(file, Counter())
        if outcome:
            counts[outcome] += 1
            self.outcomes[outcome] += 1
        if report.when == "call":
            seconds = dict(report.user_properties).get(CALL_SECONDS, 0)
            self._call_seconds += float(str(seconds))
        if report.when == "teardown":
            self._waited_for[file] -= 1
            if self._waited_for[file] == 0:
                self._print(f"{file}  {_counted(counts)}\n")

    def pytest_keyboard_interrupt(self) -> None:
        """It is broken off."""
        self.interrupted = True

    def finish(self, seconds: float) -> None:
        """Print what failed, and the totals of a run that took so long."""
        for failure in self._failures:
            self._print(f"\n{failure}\n")
        if self.outcomes:
            calls = f", {self._call_seconds:.0f} s of calls" if self._call_seconds else ""
            gap = "\n" if self._failures else ""
            self._print(f"{gap}{_counted(self.outcomes)} in {seconds:.1f} s{calls}\n")

    def _expect(self, ids: Iterable[str]) -> None:
        self._waited_for = Counter(node.partition("::")[0] for node in ids)


def _outcome(report: pytest.TestReport) -> str:
    """What it counts as; nothing for a step before or after a test that went well."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed" if report.when == "call" else ""
    return "" if report.when != "call" and report.passed else report.outcome


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in _OUTCOMES if counts[outcome])


def _heading(name: str) -> str:
    return f"--- {name} {'-' * (_RULE - len(name) - 5)}"


def _failure(report: pytest.TestReport) -> str:
    """The place and the reason, then what happened in the calls, and what was printed."""
    parts = [_heading(report.nodeid.replace("::", "  ", 1)), _place(report) or _text_of(report)]
    for name, text in report.sections:
        parts.append(text if name.startswith("voxrun") else f"{name}:\n{text}")
    return "\n\n".join(visible(part).rstrip() for part in parts)


def _text_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.longrepr if isinstance(report.longrepr, str) else str(report.longreprtext)


def _own_steps(text: str) -> str:
    """Without those of pytest, Python and voxrun on the way to an error, which its reader can do nothing about."""
    kept, is_own = [], True
    for line in text.splitlines():
        if step := _STEP.match(line):
            is_own = not (step[1].startswith("<") or str(Path(step[1]).resolve()).startswith(_INSTALLED))
        if is_own or line.startswith("E "):
            kept.append(line)
    return "\n".join(kept)


def _place(report: pytest.TestReport) -> str:
    """The line of a Python test that failed, if it is one."""
    traceback = getattr(report.longrepr, "reprtraceback", None)
    crash = getattr(report.longrepr, "reprcrash", None)
    file = Path(report.fspath)
    places = [entry.reprfileloc for entry in getattr(traceback, "reprentries", ()) if entry.reprfileloc]
    own = [place for place in places if Path(place.path).name == file.name]
    if crash is None or not own:
        return ""
    source = Source(short_path(own[-1].path), Path(own[-1].path).read_text(encoding="utf-8"))
    line = source.line(own[-1].lineno)
    start = (
        sum(len(text) + 1 for text in source.text.split("\n")[: own[-1].lineno - 1]) + len(line) - len(line.lstrip())
    )
    why, _, details = _PREFIX.sub("", crash.message).partition("\n")
    return render(source, Diagnostic(Span(start, start + len(line.strip())), "error", why, dedent(details).strip("\n")))
