"""Errors that reach nobody: Python tells them, without secrets."""

import pytest
from tests.cli.command import voxrun
from tests.cli.conftest import Write

KEY = "sk-0123456789/abc"


@pytest.mark.parametrize(
    "stray",
    [
        "thread = threading.Thread(target=int, args=(key,)); thread.start(); thread.join()",
        "Left()",
        "trio.lowlevel.spawn_system_task(crash)",
        "[_ async for _ in once()] if False else await once().__anext__()",
        "warnings.warn(key)",
        "atexit.register(int, key)",
        "logging.getLogger('mine').error(key)",
    ],
)
def test_what_python_tells_holds_no_secret(scenario: Write, stray: str) -> None:
    path = scenario(
        f"""
        import atexit, logging, threading, trio, warnings
        key = VoxEngine.getSecretValue("KEY")
        class Left:
            def __del__(self):
                int(key)
        async def once():
            try:
                yield 1
            finally:
                int(key)
        async def crash():
            int(key)
        @VoxEngine.on(AppEvents.Started)
        async def begin(event):
            setTimeout(VoxEngine.terminate, 100)
            {stray}
        """
    )
    err = voxrun(path.name, "--call", "none", "--secret", f"KEY={KEY}", cwd=path.parent).err
    assert "***" in err
    assert KEY not in err


def test_the_rest_of_it_is_as_python_tells_it(scenario: Write) -> None:
    path = scenario(
        """
        import threading
        thread = threading.Thread(target=int, args=("abc",), name="mine")
        thread.start()
        thread.join()
        threading.Thread(target=exit).start()
        VoxEngine.terminate()
        """
    )
    err = voxrun(path.name, "--call", "none", cwd=path.parent).err
    assert err.startswith("Exception in thread mine:\nTraceback (most recent call last):\n")
    assert err.endswith("ValueError: invalid literal for int() with base 10: 'abc'\n")


def test_what_goes_wrong_as_python_ends_is_told_without_its_words_whose_secrets_nobody_knows_any_more(
    scenario: Write,
) -> None:
    path = scenario(
        """
        import builtins
        key = VoxEngine.getSecretValue("KEY")
        class Left:
            def __init__(self):
                self.me, self.key = self, key
            def __del__(self):
                int(self.key)
        builtins.kept, left = Left(), Left()
        VoxEngine.terminate()
        """
    )
    err = voxrun(path.name, "--call", "none", "--secret", f"KEY={KEY}", cwd=path.parent).err
    assert err == "Exception ignored in: function\nValueError\n" * 2
