"""Promises that a scenario lets go of, as its user is told of them."""

from tests.cli.command import records, voxrun
from tests.cli.conftest import Write

FORGETFUL = """
import trio, warnings

async def talk():
    pass

@VoxEngine.on(AppEvents.Started)
async def begin(event):
    trio.sleep(1)
    talk()
    warnings.warn("mine")
    warnings.warn("coroutine of the Vienna tram")
    await talk()
    VoxEngine.terminate()
"""


def test_each_is_a_warning_with_its_line(scenario: Write) -> None:
    path = scenario(FORGETFUL)
    ran = voxrun(path.name, "--call", "none", "--json", cwd=path.parent)
    assert ran.status == 0
    assert [record["message"] for record in records(ran.out) if record["kind"] == "warning"] == [
        "scenario.py:9: `sleep` did nothing, as nobody waits for it: put `await` before it\n    trio.sleep(1)",
        "scenario.py:10: `talk` did nothing, as nobody waits for it: put `await` before it\n    talk()",
    ]


def test_all_other_warnings_are_pythons(scenario: Write) -> None:
    path = scenario(FORGETFUL)
    err = voxrun(path.name, "--call", "none", cwd=path.parent).err
    assert "scenario.py:11: UserWarning: mine" in err
    assert "scenario.py:12: UserWarning: coroutine of the Vienna tram" in err
    assert "never awaited" not in err
