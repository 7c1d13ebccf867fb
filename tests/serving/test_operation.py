"""The options of `voxrun serve` for who runs it: control, workers, spans."""

import sys
from pathlib import Path

import pytest
from tests.serving.hosted import written

from voxrun.cli.serve import serve
from voxrun.cli.serve_options import parse
from voxrun.errors import ConfigurationError
from voxrun.serving.place import Place

OF_EXTRAS = {"serve_control", "serve_workers", "control", "metrics", "turn_spans", "supervisor", "totals", "host_desk"}
"""Modules that import what may be missing."""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    """One that does nothing."""
    return str(written(tmp_path, "scenario.py", ""))


def test_control_needs_a_token_of_its_own(scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="VOXRUN_CONTROL_TOKEN"):
        parse([scenario, "--control", "127.0.0.1:0", "--token", "of the calls"])
    assert parse([scenario, "--control", "127.0.0.1:0", "--control-token", "a"]).control_token == "a"
    monkeypatch.setenv("VOXRUN_CONTROL_TOKEN", "b")
    assert parse([scenario, "--control", "127.0.0.1:0"]).control_token == "b"


@pytest.mark.parametrize("address", ["8081", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"])
def test_control_takes_an_address(scenario: str, address: str) -> None:
    with pytest.raises(ConfigurationError, match="--control takes HOST:PORT"):
        parse([scenario, "--control", address, "--control-token", "a"])


def test_a_worker_has_a_place_and_no_workers(scenario: str) -> None:
    options = parse([scenario, "--workers", "4", "--worker", str(Place(3, 7, 4, 5, (8, 9)))])
    assert (options.workers, options.place) == (0, Place(3, 7, 4, 5, (8, 9)))
    assert parse([scenario, "--workers", "4"]).workers == 4


def test_a_worker_begins_though_there_can_be_no_folder_for_its_files_any_more(scenario: str, tmp_path: Path) -> None:
    folders = {"--record": Path(scenario, "calls"), "--trace": tmp_path / "calls"}
    given = [scenario, *(str(part) for option in folders.items() for part in option)]
    with pytest.raises(ConfigurationError, match=r"--record .* can't be used: Not a directory"):
        parse(given)
    settings = parse([*given, "--worker", str(Place(1, 3, 6, 4, (5,)))]).settings
    assert {"--record": settings.record, "--trace": settings.trace} == folders
    assert (tmp_path / "calls").is_dir()


@pytest.mark.parametrize(
    ("options", "missing", "extra"),
    [
        (("--workers", "2"), "starlette.applications", "serve"),
        (("--control", "127.0.0.1:0", "--control-token", "a"), "prometheus_client", "serve"),
        (("--otel",), "opentelemetry", "otel"),
    ],
)
def test_what_is_not_installed_is_named(
    scenario: str, options: tuple[str, ...], missing: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [it for it in sys.modules if it.startswith("voxrun.") and it.rpartition(".")[2] in OF_EXTRAS]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises((ConfigurationError, ExceptionGroup)) as raised:
        serve([scenario, "--listen", "127.0.0.1:0", *options])
    error = raised.value
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert f"pip install 'voxrun[{extra}]'" in str(error)
