"""`VoxFile`: the tests of a `.vox` file as pytest runs them."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.testing.expectations import judge
from voxrun.testing.golden import UPDATING
from voxrun.testing.plugin import calls_of
from voxrun.testing.running import simulate
from voxrun.testing.vox_tests import VoxTest, vox_tests


class VoxFile(pytest.File):
    """A file with tests."""

    def collect(self) -> Iterable["VoxItem"]:
        """Its tests. CollectError with all that is wrong in them."""
        try:
            tests = vox_tests(self.path)
        except ScenarioError as error:
            raise self.CollectError(str(error)) from error
        for test in tests:
            yield VoxItem.from_parent(self, name=test.name, test=test)


class NotAsExpectedError(AssertionError):
    """What is wrong, each with its place in the test."""


class VoxItem(pytest.Item):
    """A test."""

    def __init__(self, *, test: VoxTest, **parents: Any) -> None:
        super().__init__(**parents)
        self._test = test

    def runtest(self) -> None:
        """Hold the call, and judge it. NotAsExpectedError."""
        test = self._test
        token = UPDATING.set(bool(self.config.getoption("--update-golden")))
        try:
            with TemporaryDirectory(prefix="voxrun-") as folder:
                call = simulate(test.scenario, **test.parameters(Path(folder)))
                self.stash[calls_of] = [call]
                mistakes = judge(test, call)
        finally:
            UPDATING.reset(token)
        if mistakes:
            shown = [test.show(*mistake) for mistake in mistakes]
            told = {test.source.text[it.span.start : it.span.end] for it in mistakes}
            late = [] if call.outcome.error else test.unplayed(call.unplayed)
            shown += [f"the call was over before `{sentence}`" for sentence in late if sentence not in told]
            raise NotAsExpectedError("\n\n".join(shown))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The places in the test, without a traceback."""
        if isinstance(excinfo.value, NotAsExpectedError):
            return str(excinfo.value)
        if isinstance(excinfo.value, ConfigurationError):
            return self._test.show(*self._test.blame(excinfo.value))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[PathLike[str] | str, int | None, str]:
        """Where it is."""
        return self.path, self._test.line - 1, self.name
