"""The pytest plugin: the fixture `simulate`, tests in `.vox` files, and a timeline under each test that fails.

It loads nothing of voxrun until there is such a file, or a test asks for the fixture.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import pytest

if TYPE_CHECKING:
    from voxrun.testing.running import Simulate, SimulationParameters
    from voxrun.testing.simulated_call import SimulatedCall
    from voxrun.testing.vox_items import VoxFile

CALL_SECONDS = "seconds of calls"
"""The property of a test's report that says how long its calls were."""

TEST_BLOCK = re.compile(rb'^[ \t]*test[ \t]+"', re.MULTILINE)
"""What a `.vox` file with tests has in it."""

calls_of = pytest.StashKey["list[SimulatedCall]"]()
"""The calls of a test, while it runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("voxrun")
    group.addoption(
        "--update-golden", action="store_true", help="write golden recordings anew instead of comparing with them"
    )
    group.addoption(
        "--timeline-png",
        metavar="FOLDER",
        type=lambda folder: Path(folder).absolute(),
        help="draw the calls of tests that fail, as PNG files in FOLDER",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "VoxFile | None":
    """Take the tests of a `.vox` file in."""
    if file_path.suffix != ".vox" or not TEST_BLOCK.search(file_path.read_bytes()):
        return None
    from voxrun.testing.vox_items import VoxFile  # noqa: PLC0415 - brings the language in

    return VoxFile.from_parent(parent, path=file_path)


@pytest.fixture
def simulate(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[Simulate]":
    """`voxrun.testing.simulate`, for scenarios and sounds beside the test; what is written is below `tmp_path`."""
    from voxrun.testing.golden import FOLDER, UPDATING  # noqa: PLC0415 - nothing is loaded before a test needs it
    from voxrun.testing.running import simulate as run  # noqa: PLC0415

    calls: list[SimulatedCall] = []
    request.node.stash[calls_of] = calls

    def run_beside(scenario: "str | Path", **parameters: "Unpack[SimulationParameters]") -> "SimulatedCall":
        parameters.setdefault("folder", request.path.parent)
        parameters.setdefault("files", tmp_path / f"call-{len(calls) + 1}")
        calls.append(run(scenario, **parameters))
        return calls[-1]

    updating = UPDATING.set(bool(request.config.getoption("--update-golden")))
    folder = FOLDER.set(request.path.parent)
    yield run_beside
    FOLDER.reset(folder)
    UPDATING.reset(updating)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say how long the calls of a test were, and if it has failed, what happened in them."""
    calls = item.stash.get(calls_of, [])
    if call.when == "call" and calls:
        item.user_properties.append((CALL_SECONDS, f"{sum(it.seconds for it in calls):.2f}"))
    report = yield
    if report.failed:
        report.sections += _details(call)
        for number, it in enumerate(calls, 1):
            report.sections.append((f"voxrun timeline of call {number}", it.explain()))
            if isinstance(item, pytest.Function) and it.unplayed and not it.outcome.error:
                late = "\n".join(f"the call was over before the caller did {action}" for action in it.unplayed)
                report.sections.append((f"voxrun steps not done in call {number}", late))
        report.sections += _pictures(item, calls)
    return report


def _details(call: pytest.CallInfo[None]) -> Iterable[tuple[str, str]]:
    """What verdicts have to show besides: pytest leaves them among the variables of the test's last frame."""
    if call.excinfo is None or not call.excinfo.traceback:
        return
    for value in call.excinfo.traceback[-1].locals.values():
        detail = getattr(value, "detail", "")
        if type(value).__name__ == "Verdict" and not value and detail:
            yield "voxrun detail", detail


def _pictures(item: pytest.Item, calls: "Iterable[SimulatedCall]") -> Iterable[tuple[str, str]]:
    """The sections that name the pictures, which are drawn."""
    folder = item.config.getoption("--timeline-png")
    if folder is None:
        return
    from voxrun.errors import ConfigurationError  # noqa: PLC0415 - as above

    name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")
    for number, it in enumerate(calls, 1):
        path = folder / f"{name}-{number}.png"
        try:
            it.draw(path)
        except ConfigurationError as error:  # Pillow is missing
            yield "voxrun picture", str(error)
            return
        except OSError as error:
            yield "voxrun picture", f"--timeline-png {folder} can't be written: {error.strerror}"
            return
        yield f"voxrun picture of call {number}", str(path)
