"""`--sandbox`: a scenario of somebody else's opens nothing outside of its folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.dsl.played import play
from tests.kit import Ran, ScriptedLeg, Setting, hum, inline, write_wav

from voxrun.transports.network import MemoryNetwork
from voxrun.transports.sound_library import SoundLibrary


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """The folder, with a sound in it and one beside it, and ways out of it."""
    folder = tmp_path / "box"
    folder.mkdir()
    write_wav(str(folder / "inside.wav"), 0.5, 440.0)
    write_wav(str(tmp_path / "outside.wav"), 0.5, 440.0)
    (folder / "link.wav").symlink_to(tmp_path / "outside.wav")
    (folder / "up").symlink_to(tmp_path)
    (folder / "inner").mkdir()
    return folder


OUTSIDE = [
    "{box}/../outside.wav",
    "{box}/inner/../../outside.wav",
    "{box}/link.wav",
    "{box}/up/outside.wav",
    "file://{box}/../outside.wav",
    "file://{box}/%2e%2e/outside.wav",
    "/etc/passwd",
    "http://127.0.0.1/sound.wav",
    "https://example.test/sound.wav",
]


def run(folder: Path, statements: str) -> Ran:
    """Statements of an answered call, in the sandbox."""
    network = MemoryNetwork()
    setting = Setting(
        leg=ScriptedLeg(), sounds=SoundLibrary(network, inline, hum, folder), network=network, stop_after=3.0
    )
    source = f"on AppEvents.CallAlerting as {{ call }} {{\ncall.answer()\n{statements}\n}}"
    return play(folder, source, setting)


@pytest.mark.parametrize("url", OUTSIDE)
def test_nothing_outside_is_played(box: Path, url: str) -> None:
    url = url.format(box=box)
    ran = run(
        box,
        f"""
        const player = VoxEngine.createURLPlayer({{ url: "{url}" }})
        on player PlayerEvents.PlaybackFinished as {{ error }} {{ log "${{error}}" }}
        """,
    )
    (line,) = ran.logged
    assert "--sandbox allows only files in" in line


@pytest.mark.parametrize("way", ["inside.wav", "inner/../inside.wav", "up/box/inside.wav"])
def test_what_is_inside_is_played(box: Path, way: str) -> None:
    ran = run(
        box,
        f"""
        const player = VoxEngine.createSequencePlayer({{ segments: [{{ url: "{box}/{way}" }}] }})
        on player SequencePlayerEvents.PlaybackFinished as {{ error }} {{ log "${{error}}" }}
        call.startPlayback("{box}/{way}")
        on call CallEvents.PlaybackFinished as {{ error }} {{ log "${{error}}" }}
        """,
    )
    assert ran.outcome.error is None
    assert "null" in ran.logged


@pytest.mark.parametrize("way", ["../new.wav", "up/new.wav", "inner/../../new.mp3"])
def test_nothing_is_written_outside(box: Path, way: str) -> None:
    ran = run(
        box,
        f"""
        const recorder = VoxEngine.createRecorder({{ name: "{box}/{way}", transcribe: true }})
        call -> recorder
        on recorder RecorderEvents.RecorderError as {{ error }} {{ log error }}
        call.record({{ name: "{box}/{way}", transcribe: true }})
        on call CallEvents.RecordError as {{ error }} {{ log error }}
        wait 1s
        call.hangup()
        """,
    )
    assert len(ran.logged) == 2
    assert all("--sandbox allows only files in" in line for line in ran.logged)
    assert not list(box.parent.rglob("new*"))


def test_a_link_that_is_there_is_not_written_through(box: Path) -> None:
    before = (box.parent / "outside.wav").read_bytes()
    run(box, f'call.record({{ name: "{box}/link.wav" }})\nwait 1s\ncall.hangup()')
    assert (box.parent / "outside.wav").read_bytes() == before


@pytest.mark.parametrize("unit", ['createRecorder({ name: "new.wav" })', "createConference()"])
def test_units_have_an_end(box: Path, unit: str) -> None:
    ran = run(
        box,
        f"""
        let made = 0
        every 100ms {{
            for times in "0123456789".split("") {{ VoxEngine.{unit}; made = made + 1 }}
            log made
        }}
        wait 3s
        call.hangup()
        """,
    )
    assert "a session has at most 200 units at a time: stop() those that are not needed any more" in str(
        ran.outcome.error
    )


def test_what_is_recorded_inside_is_there(box: Path) -> None:
    ran = run(box, f'call.record({{ name: "{box}/new.wav", transcribe: true }})\nwait 1s\ncall.hangup()')
    assert ran.outcome.error is None
    assert {"new.wav", "new.transcript.jsonl"} <= {path.name for path in box.iterdir()}


def voxrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The real program."""
    command = [sys.executable, "-m", "voxrun", *arguments, "--call", "none", "--idle-timeout", "10"]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.slow
def test_the_option_names_the_folder_or_means_the_scenarios_own(box: Path) -> None:
    scenario = box / "scenario.vox"
    scenario.write_text(
        f"""
        on AppEvents.Started {{
            const player = VoxEngine.createURLPlayer("{box}/inside.wav")
            on player PlayerEvents.PlaybackFinished as {{ error }} {{ log "${{error}}"; VoxEngine.terminate() }}
        }}
        """
    )
    assert "null" in voxrun("--sandbox", str(scenario)).stdout
    assert "null" in voxrun(f"--sandbox={box}", str(scenario)).stdout
    assert "--sandbox allows only files in" in voxrun(f"--sandbox={box}/inner", str(scenario)).stdout


def test_no_other_service_is_asked(box: Path) -> None:
    (box / "scenario.vox").write_text(
        """
        require ElevenLabs
        on AppEvents.Started {
            const agent = await ElevenLabs.createAgentsClient({
                xiApiKey: "k", agentId: "a", baseUrl: "http://127.0.0.1:1",
            })
            log agent.id()
        }
        """
    )
    told = voxrun("--sandbox", str(box / "scenario.vox"))
    assert told.returncode == 1
    assert "--sandbox allows agents only at their usual address" in told.stderr


@pytest.mark.parametrize("device", ["Microphone", "Speaker"])
def test_nobody_is_overheard(box: Path, device: str) -> None:
    (box / "scenario.vox").write_text(f"on AppEvents.Started {{ VoxEngine.create{device}() }}\n")
    told = voxrun("--sandbox", str(box / "scenario.vox"))
    assert told.returncode == 1
    assert "--sandbox allows no microphone or speaker but the call's" in told.stderr


@pytest.mark.parametrize("target", ["other.py", "other", "other.py.3"])
def test_a_link_called_vox_is_not_run_as_python(box: Path, target: str) -> None:
    (box / target).write_text('print("as Python")\n')
    (box / "scenario.vox").symlink_to(target)
    told = voxrun("--sandbox", str(box / "scenario.vox"))
    assert told.returncode == 1
    assert "as Python" not in told.stdout
    assert f"{target}:1:1: error: " in told.stderr


def test_wrong_use_is_told(box: Path) -> None:
    (box / "scenario.py").write_text("")
    (box / "scenario.vox").write_text("")
    told = voxrun("--sandbox", str(box / "scenario.py"))
    assert (told.returncode, "one in Python can do whatever you can" in told.stderr) == (2, True)
    told = voxrun("--sandbox=/nowhere", str(box / "scenario.vox"))
    assert (told.returncode, "is no folder" in told.stderr) == (2, True)


def test_a_mistake_ends_with_status_1(box: Path) -> None:
    (box / "scenario.vox").write_text('log "runs"\nfoo()\n')
    told = voxrun(str(box / "scenario.vox"))
    assert told.returncode == 1
    assert "scenario.vox:2:1: error: " in told.stderr
    assert "^^^" in told.stderr
    assert "runs" not in told.stdout


def test_secrets_are_those_given_and_not_the_machines(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXRUN_TEST_HIDDEN", "in the environment")
    scenario = box / "scenario.vox"
    scenario.write_text(
        'on AppEvents.Started {\n    log "${secret("VOXRUN_TEST_HIDDEN") ?? "hidden"}"\n'
        '    log "${secret("VOXRUN_TEST_GIVEN") == "given"}"\n    VoxEngine.terminate()\n}\n'
    )
    told = voxrun("--sandbox", "--secret", "VOXRUN_TEST_GIVEN=given", str(scenario))
    assert "hidden" in told.stdout
    assert "true" in told.stdout
