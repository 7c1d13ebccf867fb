"""What an editor is told of a text: its first mistake, or all findings, those of its tests among them."""

import pytest

from voxrun.api.surface import scenario_surface
from voxrun.dsl.source import Source
from voxrun.editor.analysis import diagnose


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("on AppEvents.Started { VoxEngine.terminate() }", []),
        ("on AppEvents.Started { let }", ["`}` has no meaning here"]),
        ("on AppEvents.Startd { }\nfoo()", ["AppEvents has no event `Startd`", "unknown name `foo`"]),
        ('test "a" { caller presses "x" at 1s\nexpect log "b" }', ["there is no key 'x'"]),
    ],
)
def test_findings(text: str, messages: list[str]) -> None:
    assert [it.message for it in diagnose(Source("scenario.vox", text), scenario_surface())] == messages
