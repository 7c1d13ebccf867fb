"""What the checker tells whoever watches it, as an editor does."""

from tests.dsl.checked import in_call

from voxrun.api.surface import scenario_surface
from voxrun.dsl.checker import check
from voxrun.dsl.names import Binding, Scope
from voxrun.dsl.nodes import Object, Span
from voxrun.dsl.parser import parse
from voxrun.dsl.source import Source
from voxrun.dsl.surface import Function, Type, Value
from voxrun.dsl.types import Known, Missing

TEXT = in_call("on call CallEvents.Connected { log nam }\ncall.answr()\nVoxEngine.createRecorder({ stereo: true })")


class Notes:
    """Keeps what it was told, with the text of each place."""

    def __init__(self) -> None:
        self.names: dict[str, bool] = {}
        self.members: dict[str, Known | Missing] = {}
        self.shapes: list[str] = []
        self.events: list[tuple[str, Known]] = []

    def name(self, span: Span, scope: Scope, binding: Binding | None) -> None:
        self.names[TEXT[slice(*span)]] = binding is not None
        assert binding is None or binding.name in {*scope.visible()}

    def member(self, span: Span, target: Known, found: Known | Missing) -> None:
        self.members[TEXT[slice(*span)]] = found

    def parameters(self, node: Object, shapes: tuple[Type, ...]) -> None:
        self.shapes += [shape.name for shape in shapes]

    def event(self, target: Known, span: Span) -> None:
        self.events.append((TEXT[slice(*span)], target))


def test_every_place_is_told() -> None:
    notes = Notes()
    check(parse(Source("a.vox", TEXT)), scenario_surface(), watch=notes)
    assert notes.names["nam"] is False
    assert notes.names["agent"] is notes.names["VoxEngine"] is True
    assert isinstance(notes.members["answr"], Missing)
    assert isinstance(notes.members["createRecorder"], Function)
    assert notes.shapes == ["AgentsClientParameters", "RecorderParameters"]
    assert notes.events == [
        ("AppEvents.CallAlerting", Value(("VoxEngine",))),
        ("CallEvents.Connected", Value(("Call",))),
    ]
