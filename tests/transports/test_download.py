"""Files played while they come, from a server that sends slowly, in virtual time."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import soundfile
import trio
from tests.kit import Ran, ScriptedLeg, Setting, simulate

from voxrun.audio.frame import Samples
from voxrun.transports.network import MemoryNetwork

Play = Callable[..., Ran]

RATE = 16_000
SECONDS = 8.0
SENDING_SECONDS = 6.0
PIECES = 60

SCENARIO = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        event.call.answer()
        player = VoxEngine.createURLPlayer("http://web.test/prompt", {parameters})
        player.sendMediaTo(event.call)
        player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: setTimeout(event.call.hangup, 100))
        {more}
    """


class Server:
    """Sends a file in equal pieces at equal intervals; says less than it promised if `breaks_off`."""

    def __init__(self, body: bytes, *, head: bytes = b"", breaks_off: bool = False, pace: float = 1.0) -> None:
        length = b"Content-Length: %d\r\n" % len(body)
        self._head = b"HTTP/1.1 200 OK\r\n" + (head or length) + b"Connection: close\r\n\r\n"
        self._body = body
        self._pieces = PIECES // 2 if breaks_off else PIECES
        self._interval = SENDING_SECONDS / PIECES / pace
        self.sent_at: list[float] = []
        """When each piece was."""
        self.was_left = False
        """The client went before the end."""

    async def start(self, network: MemoryNetwork, nursery: trio.Nursery) -> None:
        """`Setting.background`."""
        self._begun = trio.current_time()
        await nursery.start(partial(network.serve, "web.test", 80, self._attend))

    async def _attend(self, stream: trio.abc.Stream) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += await stream.receive_some()
        try:
            await stream.send_all(self._head)
            size = -(-len(self._body) // PIECES)
            for piece in range(self._pieces):
                await trio.sleep(self._interval)
                await stream.send_all(self._body[piece * size : (piece + 1) * size])
                self.sent_at.append(trio.current_time() - self._begun)
        except trio.BrokenResourceError:
            self.was_left = True


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def run(server: Server, leg: ScriptedLeg, parameters: str = "progressivePlayback=True", more: str = "") -> Ran:
        path = tmp_path / "scenario.py"
        path.write_text("from voxrun import *\n" + dedent(SCENARIO.format(parameters=parameters, more=more)))
        return simulate(path, Setting(leg=leg, background=server.start))

    return run


def said(rate: int = RATE) -> Samples:
    """Tones that go up, so that a part that is missing or doubled shows."""
    time = np.arange(round(rate * SECONDS)) / rate
    return np.asarray(np.rint(9000 * np.sin(2 * np.pi * (200 + 60 * time) * time)), np.int16)


def encoded(form: str, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    if form == "MP3":
        soundfile.write(file, said(rate), rate, format=form, bitrate_mode="CONSTANT", compression_level=0.3)
    else:
        soundfile.write(file, said(rate), rate, format=form)
    return file.getvalue()


def piped(flac: bytes) -> bytes:
    """The file as it comes out of a pipe: nobody went back to say how many samples there are."""
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


def moments(ran: Ran) -> dict[str, float]:
    """When each of the player's events came first."""
    found = [(record["name"].removeprefix("Player."), record["t"]) for record in ran.of_kind("event")]
    return dict(reversed(found))


def heard(leg: ScriptedLeg) -> Samples:
    """All frames with sound in them."""
    frames = np.stack(leg.heard)
    return frames[frames.any(axis=1)].reshape(-1)


def likeness(one: Samples, other: Samples) -> float:
    """The correlation; decoders of MP3 and converters may be some samples early or late."""
    size, reach = min(len(one), len(other)) - 100, 50
    middle = other[reach : reach + size].astype(np.float64)
    return max(float(np.corrcoef(one[lag : lag + size], middle)[0, 1]) for lag in range(2 * reach))


@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3"])
@pytest.mark.parametrize("rate", [RATE, 22_050])
def test_it_is_heard_before_the_last_byte_was_sent(play: Play, form: str, rate: int) -> None:
    server, leg = Server(encoded(form, rate)), ScriptedLeg(rate=16_000)
    ran = play(server, leg)
    assert ran.outcome.error is None
    assert moments(ran)["Started"] < server.sent_at[-1] - 2.0
    assert "Buffering" not in moments(ran)
    assert moments(ran)["PlaybackFinished"] - moments(ran)["Started"] == pytest.approx(SECONDS, abs=0.03)
    assert likeness(heard(leg), said()) > 0.99


@pytest.mark.parametrize(
    ("body", "head", "parameters"),
    [
        (encoded("WAV"), b"", "progressivePlayback=False"),
        (encoded("OGG"), b"", "progressivePlayback=True"),
        (encoded("WAV"), b"X-No-Length: 1\r\n", "progressivePlayback=True"),
        (piped(encoded("FLAC")), b"", "progressivePlayback=True"),
    ],
    ids=["not asked for", "ogg", "of unknown size", "flac of unknown length"],
)
def test_others_are_loaded_first(play: Play, body: bytes, head: bytes, parameters: str) -> None:
    server, leg = Server(body, head=head), ScriptedLeg()
    ran = play(server, leg, parameters)
    assert ran.outcome.error is None
    assert moments(ran)["Started"] >= server.sent_at[-1]
    assert likeness(heard(leg), said()) > 0.99


def test_one_that_comes_more_slowly_than_it_plays_is_buffering_and_loses_nothing(play: Play) -> None:
    server, leg = Server(encoded("WAV"), pace=0.6), ScriptedLeg()
    ran = play(server, leg)
    assert "Buffering" in moments(ran)
    assert moments(ran)["PlaybackFinished"] > server.sent_at[-1]
    assert np.array_equal(heard(leg)[: len(said())], said())


def test_it_plays_in_a_loop(play: Play) -> None:
    server, leg = Server(encoded("WAV")), ScriptedLeg()
    more = "setTimeout(player.stop, 19_000); setTimeout(event.call.hangup, 19_000)"
    play(server, leg, "progressivePlayback=True, loop=True", more)
    twice = np.tile(said(), 2)
    assert likeness(heard(leg), twice) > 0.999


def test_a_server_that_breaks_off_is_told_after_what_came(play: Play) -> None:
    server, leg = Server(encoded("WAV"), breaks_off=True), ScriptedLeg()
    ran = play(server, leg)
    message = str(ran.outcome.error)
    assert "web.test:80 broke off during the HTTP request" in message
    told = {record["name"]: record["payload"] for record in ran.of_kind("event")}
    assert told["Player.Error"]["error"] == told["Player.PlaybackFinished"]["error"] == message
    assert 2.0 < moments(ran)["PlaybackFinished"] - moments(ran)["Started"] < 4.0


def test_one_that_is_too_large_or_too_slow_is_told(play: Play) -> None:
    slow = Server(encoded("WAV"), pace=0.4)
    ran = play(slow, ScriptedLeg())
    assert str(ran.outcome.error) == "web.test:80 did not answer the HTTP request within 12 s: try again"
    large = Server(encoded("WAV") + bytes(11 * 1024 * 1024))
    ran = play(large, ScriptedLeg())
    assert ".py:6: web.test:80 sent an HTTP response of more than 10485760 bytes\n" in str(ran.outcome.error)


@pytest.mark.parametrize("after", [300, 3000], ids=["while it is opened", "while it is heard"])
def test_a_stop_ends_the_download(play: Play, after: int) -> None:
    server = Server(encoded("WAV"))
    ran = play(server, ScriptedLeg(), more=f"setTimeout(player.stop, {after}); setTimeout(event.call.hangup, 9000)")
    assert ran.outcome.error is None
    assert server.was_left
    assert len(server.sent_at) < PIECES


def test_a_decoder_that_wants_too_much_goes_on_when_the_file_is_whole(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxrun.transports.download.AHEAD_SECONDS", 0.0)
    monkeypatch.setattr("voxrun.transports.download.AHEAD_BYTES", 0)
    server, leg = Server(encoded("WAV"), pace=0.6), ScriptedLeg()
    ran = play(server, leg)
    assert ran.outcome.error is None
    assert np.array_equal(heard(leg)[: len(said())], said())
