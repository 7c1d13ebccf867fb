"""Who speaks: chosen by the key and by --local-agent."""

import sys
from functools import partial

import pytest
import trio

from voxrun.cli.speech import say_locally, speech
from voxrun.errors import ConfigurationError
from voxrun.localagent import voice
from voxrun.providers.elevenlabs.text_to_speech import synthesise
from voxrun.session.secrets import Secrets
from voxrun.transports.network import MemoryNetwork

KEY = {"ELEVENLABS_API_KEY": "a-real-key"}


def test_elevenlabs_speaks_when_there_is_a_key() -> None:
    chosen = speech(MemoryNetwork(), Secrets({}, KEY), local=False)
    assert isinstance(chosen, partial)
    assert chosen.func is synthesise
    assert chosen.args[1] == "a-real-key"


@pytest.mark.parametrize(("environment", "local"), [({}, False), (KEY, True), ({}, True)])
def test_espeak_speaks_without_one_and_with_the_local_agent(environment: dict[str, str], local: bool) -> None:
    assert speech(MemoryNetwork(), Secrets({}, environment), local=local) is say_locally


def test_the_local_voice_speaks() -> None:
    pytest.importorskip("espeakng_loader", reason="needs the local-agent extra")
    usual = trio.run(say_locally, "Hello there.", None)
    assert 0.5 < len(usual) / 16_000 < 3
    assert usual.any()
    assert trio.run(say_locally, "Hello there.", "en-us+f3").tobytes() != usual.tobytes()
    with pytest.raises(ConfigurationError, match="espeak-ng has no voice 'nobody'"):
        trio.run(say_locally, "Hello there.", "nobody")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> None:
        raise ConfigurationError("Install it with: pip install 'voxrun[local-agent]'")

    monkeypatch.setattr(voice, "load_extra", missing)
    with pytest.raises(ConfigurationError, match=r"voxrun\[local-agent\]"):
        trio.run(say_locally, "Hello.", None)


def test_who_says_something_with_neither_is_told_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ConfigurationError) as error:
        trio.run(say_locally, "Hello.", None)
    assert str(error.value).startswith("speech without ELEVENLABS_API_KEY needs espeakng_loader, which isn't installed")
    assert str(error.value).endswith("Install it with: pip install 'voxrun[local-agent]'")
