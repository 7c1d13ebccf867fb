"""The agent of the benchmarks, in a process of its own: whatever it hears comes back as speech, silence excepted.

`echoing` runs it; as a program it prints its port and serves until it is killed. It tells when it heard what: some of
the frames that a 16 kHz caller has numbered come back with the time in them; of audio that was resampled it notes the
time of each loud mark, in a file.
"""

import argparse
import base64
import hashlib
import os
import selectors
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    " -addext subjectAltName=IP:127.0.0.1"
)
GREETING = (
    b'{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"bench",'
    b'"agent_output_audio_format":"pcm_16000","user_input_audio_format":"pcm_16000"}}'
)
ECHO = b'{"type":"audio","audio_event":{"event_id":1,"audio_base_64":"%s"}}'  # a whole conversation in one turn
CHUNK = b'{"user_audio_chunk":"'
SILENCE = base64.b64encode(bytes(640)).rstrip(b"=")
WEBSOCKET_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3

STAMPED = range(5, 46, 5)
"""Frames of these numbers, of a second's fifty, come back stamped."""
STAMP = struct.Struct("<2xd")
"""Where in a frame's bytes: after the number, in seconds of the machine's monotonic clock."""
_NUMBERS = tuple(base64.b64encode(number.to_bytes(3, "little"))[:2] for number in STAMPED)

LOUD = 4000
"""A sample above this is a mark's."""
RATE = 16_000
MARK_SECONDS = 0.005

Watch = Callable[[bytes], bytes]
"""Is shown what the agent hears, in base64; gives what it says."""


class EchoAgent:
    """One conversation, from the agent's side of a socket: every chunk of the user's audio comes back as speech.

    It says nothing while it hears nothing, as agents do: so what waits to be played after a hitch is played some time.

    Lean on purpose, for what the peer takes from the machine is missing to the runtime.
    """

    def __init__(self, connection: socket.socket, watch: Watch = bytes) -> None:
        self.connection = connection
        self._watch = watch
        self._received = bytearray()
        self._is_open = False

    def advance(self) -> bool:
        """Answer what has come; False at the end of the conversation."""
        try:
            data = self.connection.recv(65536)
            self._received += data
            while isinstance(self.connection, ssl.SSLSocket) and self.connection.pending():
                self._received += self.connection.recv(65536)
            self.connection.sendall(b"".join(self._answers()))
        except (ConnectionError, ssl.SSLEOFError):
            return False
        return bool(data)

    def _answers(self) -> Iterator[bytes]:
        if not self._is_open:
            head, end, self._received = self._received.partition(b"\r\n\r\n")
            if not end:
                self._received = head
                return
            self._is_open = True
            yield accept(bytes(head))
        while frame := take_frame(self._received):
            opcode, payload = frame
            if opcode == 8:
                yield b"\x88%c%s" % (len(payload), payload)
            elif payload.startswith(CHUNK) and SILENCE not in payload:
                yield text_frame(ECHO % self._watch(payload[len(CHUNK) : -2]))
            elif b"conversation_initiation_client_data" in payload:
                yield text_frame(GREETING)


def accept(head: bytes) -> bytes:
    """The answer to a client's handshake (RFC 6455 section 4.2.2)."""
    (key,) = (line[18:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    token = base64.b64encode(hashlib.sha1(key + WEBSOCKET_MAGIC).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\n\r\n" % token
    )


def take_frame(received: bytearray) -> tuple[int, bytes] | None:
    """Remove a whole masked frame shorter than 64 KiB from the front: its opcode and payload (RFC 6455 section 5.2)."""
    if len(received) < 8:
        return None
    start, size = 2, received[1] & 0x7F
    if size == 126:
        start, size = 4, int.from_bytes(received[2:4])
    end = start + 4 + size
    if len(received) < end:
        return None
    mask = bytes(received[start : start + 4]) * (size // 4 + 1)
    payload = int.from_bytes(received[start + 4 : end]) ^ int.from_bytes(mask[:size])
    opcode = received[0] & 0x0F
    del received[:end]
    return opcode, payload.to_bytes(size)


def text_frame(payload: bytes) -> bytes:
    """A whole unmasked text frame."""
    size = len(payload)
    head = b"\x81%c" % size if size < 126 else b"\x81\x7e" + size.to_bytes(2)
    return head + payload


def stamped(audio: bytes) -> bytes:
    """A frame of such a number, with the time in it; any other as it is."""
    if not audio.startswith(_NUMBERS):
        return audio
    frame = bytearray(base64.b64decode(audio))
    frame[2 : STAMP.size] = STAMP.pack(time.monotonic())[2:]
    return base64.b64encode(frame)


class Notes:
    """When marks were heard, as doubles in a file: seconds of the machine's monotonic clock."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._last = 0.0

    def look(self, audio: bytes) -> bytes:
        """Note where in a chunk a mark begins, if one does."""
        now = time.monotonic()
        samples = array("h", base64.b64decode(audio))
        if max(samples) > LOUD and now - self._last > 2 * MARK_SECONDS:
            self._last = now + next(at for at, sample in enumerate(samples) if sample > LOUD) / RATE
            self._file.write(struct.pack("d", self._last))
        return audio


def serve(watch: Watch, tls: ssl.SSLContext | None) -> None:
    """Print the port, then serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                attend(selector, key, watch, tls)


def attend(
    selector: selectors.BaseSelector, key: selectors.SelectorKey, watch: Watch, tls: ssl.SSLContext | None
) -> None:
    """Something came for an agent, or, where there is none, a new connection."""
    if isinstance(key.data, EchoAgent):
        if not key.data.advance():
            selector.unregister(key.data.connection)
            key.data.connection.close()
    elif isinstance(key.fileobj, socket.socket):
        connection = accepted(key.fileobj, tls)
        selector.register(connection, selectors.EVENT_READ, EchoAgent(connection, watch))


def accepted(listener: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    """A new connection."""
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(connection, server_side=True) if tls else connection


@dataclass(frozen=True, slots=True)
class Echo:
    """Where the agent is; processes with this `environment` trust it, if it has a certificate."""

    port: str
    notes: Path
    """What it heard, where it takes notes."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@contextmanager
def echoing(*, is_secure: bool = False) -> Iterator[Echo]:
    """The agent, for as long as it runs. One behind TLS takes notes; any other stamps frames."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, notes = Path(folder) / "certificate.pem", Path(folder) / "notes"
        environment, arguments = dict(os.environ), []
        if is_secure:
            make(certificate)
            notes.touch()
            environment["SSL_CERT_FILE"] = str(certificate)
            arguments = [str(certificate), str(notes)]
        command = [sys.executable, "-m", "tests.benchmarks.echo_agent", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as agent:
            assert agent.stdout is not None
            try:
                yield Echo(agent.stdout.readline().strip(), notes, environment)
            finally:
                agent.kill()


def make(certificate: Path) -> None:
    """For the machine itself, and its key in the same file."""
    key = certificate.with_suffix(".key")
    subprocess.run(
        [*CERTIFICATE.split(), "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    certificate.write_text(key.read_text() + certificate.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("certificate", type=Path, nargs="?")
    parser.add_argument("notes", type=Path, nargs="?")
    options = parser.parse_args()
    if options.certificate is None:
        serve(stamped, None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    serve(Notes(options.notes).look, context)


if __name__ == "__main__":
    main()
