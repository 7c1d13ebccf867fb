"""Workers that begin again while what they serve is broken, or somewhere else."""

import os
import shutil
import signal
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest
import trio
from tests.serving.hosted import written
from tests.serving.server import ECHO, begin, figure_is, says, serving, until


@pytest.mark.slow
def test_a_mistake_that_is_saved_ends_no_worker_and_a_dead_one_comes_back_without_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path, "--workers", "2") as server:
            written(tmp_path, "echo.py", "x = (")
            os.kill(server.worker(1), signal.SIGKILL)
            await until(lambda: says(server, "worker 1 waits until this is mended: "))
            assert (await begin(server))["worker"] == 2
            await until(lambda: says(server, "; until that is mended, calls get the version before it"))
            assert await figure_is(server, "voxrun_workers", 1)
            written(tmp_path, "echo.py", ECHO)
            await until(lambda: figure_is(server, "voxrun_workers", 2))
            assert sum("echo.py:2:5: while loading: '(' was never closed" in line for line in server.lines) == 2

    trio.run(main)


@pytest.mark.slow
def test_a_route_that_is_broken_keeps_no_dead_worker_from_the_others(tmp_path: Path) -> None:
    sales = written(tmp_path, "sales.py", ECHO)

    async def main() -> None:
        async with serving(tmp_path, "--workers", "1", "--route", f"+49*={sales}") as server:
            sales.unlink()
            os.kill(server.worker(1), signal.SIGKILL)
            wrong = f"worker 1: {sales} can't be read: No such file or directory; until that is mended, its calls fail"
            await until(lambda: says(server, wrong))
            await until(lambda: figure_is(server, "voxrun_workers", 1))
            await begin(server)
            await begin(server, scenario="sales.py")
            await until(lambda: figure_is(server, 'voxrun_sessions_ended_total{outcome="ConfigurationError"}', 1))
            written(tmp_path, "sales.py", ECHO)
            session = await begin(server, scenario="sales.py")
            assert session["id"] in {it["id"] for it in await server.sessions()}

    trio.run(main)


@pytest.mark.slow
def test_a_dead_worker_comes_back_in_a_folder_that_was_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    folder.mkdir()

    async def main() -> None:
        async with serving(folder, "--workers", "1", "--trace", "traces") as server:
            shutil.rmtree(folder)
            os.kill(server.worker(1), signal.SIGKILL)
            await until(lambda: says(server, "worker 1 waits until this is mended: "))
            folder.mkdir()
            written(folder, "echo.py", ECHO)
            await until(lambda: figure_is(server, "voxrun_workers", 1))
            session = await begin(server)
            await until(lambda: exists(folder / "traces" / f"{session['id']}.jsonl"))

    trio.run(main)


@pytest.mark.slow
def test_workers_serve_a_scenario_that_comes_after_the_options_end(tmp_path: Path) -> None:
    written(tmp_path, "-x.py", ECHO)

    async def main() -> None:
        async with serving(tmp_path, "--workers", "1", "--", "-x.py") as server:
            assert (await begin(server))["scenario"] == "-x.py"

    trio.run(main)


@pytest.mark.slow
def test_a_dead_worker_comes_back_though_the_file_with_its_secrets_is_gone(tmp_path: Path) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("PASSWORD = ' \"öffne\" dich'\nOTHER='of the file'\n")
    asks = """
    @VoxEngine.on(AppEvents.HttpRequest)
    def ask(event):
        secret = VoxEngine.getSecretValue
        return secret("PASSWORD") == ' "öffne" dich' and secret("OTHER") == "of the option"
    """

    async def main() -> None:
        options = ("--env-file", str(env_file), "--secret", "OTHER=of the option")
        async with serving(tmp_path, "--workers", "1", *options, script=dedent(asks)) as server:
            for _ in range(2):
                with trio.fail_after(10):
                    session = await begin(server)
                assert (await server.control.post(session["mediaSessionAccessUrl"])).text == "true"
                env_file.unlink(missing_ok=True)
                restarts = await server.figure("voxrun_worker_restarts_total")
                os.kill(server.worker(1), signal.SIGKILL)
                await until(partial(figure_is, server, "voxrun_worker_restarts_total", restarts + 1))
                await until(lambda: figure_is(server, "voxrun_workers", 1))

    trio.run(main)


async def exists(path: Path) -> bool:
    """Whether a file is there."""
    return path.exists()  # noqa: ASYNC240 - on a disk of the test's
