"""A simulated call of which a cassette is recorded."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from voxrun.providers.elevenlabs.cassette_recorder import CassetteRecorder
from voxrun.session.services import Services
from voxrun.testing import SimulatedCall, simulation
from voxrun.testing.running import SimulationParameters, run
from voxrun.testing.stage import Simulation, Stage


class RecordingStage(Stage):
    """Plays a simulation with a recorder in it."""

    def __init__(self, wanted: Simulation, *, keeps_audio: bool = True) -> None:
        super().__init__(wanted)
        self.lines: list[str] = []
        self._keeps_audio = keeps_audio

    def _services(self) -> Services:
        services = super()._services()
        scrub = services.secrets.scrub
        recorder = CassetteRecorder(self.lines.append, scrub, scenario="s.py", keeps_audio=self._keeps_audio)
        return replace(services, cassette=recorder)


def record(
    cassette: Path, scenario: Path, *, keeps_audio: bool = True, **parameters: Unpack[SimulationParameters]
) -> SimulatedCall:
    """Run a scenario and write the cassette."""
    stage = RecordingStage(simulation(scenario, **parameters), keeps_audio=keeps_audio)
    call = run(stage)
    write(cassette, stage.lines)
    return call


def write(cassette: Path, lines: Sequence[str]) -> None:
    """Lines into a file."""
    cassette.write_text("".join(f"{line}\n" for line in lines))
