"""The control API against its own document, by schemathesis, over real sockets."""

import subprocess
import sys
from pathlib import Path

import pytest
import trio
from tests.serving.hosted import hosted, written

from voxrun.serving.control import Key, serve_control
from voxrun.serving.host_desk import HostDesk
from voxrun.serving.metrics import Metrics

KEY = Key("the-control-token")


@pytest.mark.slow
@pytest.mark.usefixtures("unhurried")
def test_the_api_is_as_its_document_says(tmp_path: Path) -> None:
    """Its own process, as its pytest plugin would have every test wait for its imports.

    Schemathesis takes each 503 for a mistake.
    """
    done: list[subprocess.CompletedProcess[bytes]] = []

    async def main() -> None:
        scenario = written(tmp_path, "first.py", "")
        async with hosted(scenario, max_calls=1000) as host, trio.open_nursery() as nursery:
            url = await nursery.start(serve_control, HostDesk(host, Metrics(host), lambda: None), KEY, "127.0.0.1:0")
            command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--seed", "7"]
            command += ["--header", f"Authorization: Bearer {KEY.token}", "--max-examples", "40", "--checks", "all"]
            done.append(await trio.run_process(command, cwd=tmp_path, capture_stdout=True, check=False))
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert done[0].returncode == 0, done[0].stdout.decode()
