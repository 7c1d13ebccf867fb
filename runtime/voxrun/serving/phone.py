"""`Phone`: the paths where calls come in: `/media/DIALECT`, `/twiml`, and `/healthz` for who looks after us."""

import re
from collections.abc import Mapping
from functools import partial
from html import escape
from urllib.parse import parse_qsl, quote

import msgspec
import trio

from voxrun.media.leg import Party
from voxrun.media.stream_leg import StreamLeg
from voxrun.protocol.mediastream.news import Breach, News, Started, Stopped
from voxrun.protocol.mediastream.stream import DIALECTS, MediaStream
from voxrun.protocol.websocket import LOST, TOO_BIG
from voxrun.serving.desk import Refused
from voxrun.serving.doors import TICKET_MARK, Doors
from voxrun.serving.host import Host
from voxrun.serving.running import Running
from voxrun.transports.server import Reply, Request, Upgrade, problem
from voxrun.transports.websocket import Closed, WebSocket

START_SECONDS = 10.0
"""How long a connection may take to say which call it brings."""

MESSAGE_LIMIT = 128 * 1024
"""Bytes of one message: 12 s of mu-law, 3 s of 16 kHz."""

BODY_LIMIT = 64 * 1024
"""Bytes of what a provider posts."""

_STATUS = {"origin": 403, "signature": 403, "replay": 403}
_HEADERS = {401: (("WWW-Authenticate", "Bearer"),), 503: (("Retry-After", "5"),)}
_SELDOM = (Breach, Started, Stopped)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2
_TOLD = {
    "callerid": "From",
    "destination": "To",
    "displayName": "CallerName",
    "customData": "customData",  # of the address itself: whoever has Twilio call somebody writes it there
    "AnsweredBy": "AnsweredBy",
}
"""What a call is told, and what Twilio calls that."""

_BUSY = b'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Reject reason="busy"/></Response>'


class Phone:
    """The handler of the server that providers reach."""

    def __init__(self, host: Host, doors: Doors) -> None:
        self._host = host
        self._doors = doors

    async def handle(self, request: Request) -> Reply | Upgrade:
        """Answer one request."""
        first, _, rest = request.path.removeprefix("/").partition("/")
        if first == "healthz" and not rest:
            return self._health()
        if first == "twiml":
            return self._twiml(request, f"/{rest}" if rest else "")
        dialect = rest.partition("/")[0]
        if first != "media" or dialect not in DIALECTS:
            return self._refuse(404, "path", "there is nothing here: calls come in at /media/DIALECT")
        refusal = self._doors.refusal(request, dialect)
        if refusal:
            return self._refuse(_STATUS.get(refusal, 401), refusal, f"not allowed in: {refusal}")
        try:
            self._host.admit()
        except Refused as error:
            return problem(503, str(error), _HEADERS[503])
        return Upgrade(partial(self._converse, request, dialect))

    def _health(self) -> Reply:
        host = self._host
        said = {"status": "draining" if host.draining else "ok", "calls": host.table.sessions}
        return Reply(503 if host.draining else 200, msgspec.json.encode(said))

    def _twiml(self, request: Request, path: str) -> Reply:
        """What a Twilio number is to do with its call: bring it here, as a media stream."""
        if request.method not in ("GET", "POST"):
            return self._refuse(405, "method", "ask with GET or POST")
        refusal = self._doors.refusal(request, "twilio")
        if refusal:
            return self._refuse(_STATUS.get(refusal, 401), refusal, f"not allowed in: {refusal}")
        try:
            self._host.admit()
        except Refused:
            return Reply(200, _BUSY, "text/xml")
        form = {**request.query, **dict(parse_qsl(request.body.decode("utf-8", "replace")))}
        place = self._doors.address(request).replace("http", "ws", 1)
        url = f"{place}/media/twilio{quote(path)}{self._doors.ticket()}"
        return Reply(200, _connect(url, form).encode(), "text/xml")

    def _refuse(self, status: int, reason: str, detail: str) -> Reply:
        self._host.counters.refusals[reason] += 1
        return problem(status, detail, _HEADERS.get(status, ()))

    async def _converse(self, request: Request, dialect: str, socket: WebSocket) -> None:
        stream = MediaStream(DIALECTS[dialect]())
        async with trio.open_nursery() as nursery:
            connection = _Connection(self._host, stream, socket, request, nursery)
            try:
                await connection.run()
            finally:
                self._host.counters.malformed += stream.malformed
            nursery.cancel_scope.cancel()


class _Connection:
    """One media stream, from its first message to the end of its session. The leg sends by it."""

    def __init__(
        self, host: Host, stream: MediaStream, socket: WebSocket, request: Request, nursery: trio.Nursery
    ) -> None:
        self._host = host
        self._stream = stream
        self._socket = socket
        self._request = request
        self._nursery = nursery
        self._waiting = trio.CancelScope(deadline=trio.current_time() + START_SECONDS)
        self._leg: StreamLeg | None = None
        self._running: Running | None = None
        self.send = socket.send

    @property
    def dropped(self) -> int:
        """Messages of ours."""
        return self._socket.dropped

    def close(self) -> None:
        """Our side hangs up."""
        self._part("we closed the connection")
        self._socket.close()

    async def run(self) -> None:
        with self._waiting:
            self._end(await self._socket.pump(self._receive))
        if self._waiting.cancelled_caught:
            self._refuse(1002, "slow", f"the stream did not start within {START_SECONDS:.0f} s")

    def _receive(self, message: str | bytes) -> None:
        told = self._stream.receive(message)
        if isinstance(told, _SELDOM):
            self._heed(told)
        elif told is not None:
            self._hear(told)

    def _heed(self, told: Breach | Started | Stopped) -> None:
        match told:
            case Breach(code, reason):
                self._refuse(code, "breach", reason)
            case Started():
                self._begin(told)
            case Stopped():
                self._leave(f"{self._stream.dialect.name} stopped the stream")

    def _end(self, closed: Closed) -> None:
        if closed.code == TOO_BIG:
            self._host.counters.refusals["breach"] += 1
        self._leave(_end_of(closed, self._stream.dialect.name))

    def _leave(self, how: str) -> None:
        """The caller is gone. A session that has no call yet could not be told later."""
        self._part(how)
        self._hear(Stopped())
        if self._running is not None and self._running.session.call is None:
            self._running.session.terminate("the caller left")

    def _part(self, how: str) -> None:
        """Note how the connection ends. The first counts, what follows comes of it; after the session nobody looks."""
        running = self._running
        if running is not None and not running.parted and running.outcome is None:
            running.parted = how
            running.session.trace("connection", who="call", what=how)

    def _hear(self, told: News) -> None:
        if self._running is not None and self._leg is not None:
            self._running.session.contained(self._leg.hear, told)

    def _begin(self, started: Started) -> None:
        if self._waiting.cancel_called:  # nobody would tell a session that begins now that its call is over
            return
        self._waiting.deadline = float("inf")
        path = self._request.path.partition(f"/{TICKET_MARK}")[0]
        party = party_of(started, self._request.query)
        scenario = self._host.settings.routes.choose(path, party.destination)
        if scenario is None:
            self._refuse(1008, "route", "there is no scenario for this number")
            return
        leg = StreamLeg(self._stream, self)
        name = self._stream.dialect.name
        try:
            self._running = self._host.begin(scenario, leg=leg, party=party, dialect=name, customData=party.customData)
        except Refused as error:
            self._socket.close(1013, str(error))
            return
        self._leg = leg
        self._nursery.start_soon(self._close_after, self._running)

    async def _close_after(self, running: Running) -> None:
        """A call that was never answered has nobody else to close it."""
        await running.over.wait()
        self._socket.close()

    def _refuse(self, code: int, reason: str, said: str) -> None:
        self._host.counters.refusals[reason] += 1
        self._part(f"we closed the connection: {code} {said}")
        self._socket.close(code, said)


def party_of(started: Started, query: Mapping[str, str]) -> Party:
    """Who calls whom: by the stream itself, its custom parameters, or the address that it was sent to, in this order.

    What is left of the parameters are the call's headers; the provider's id of the call is `Call-ID` among them.
    """
    said = {**{name: value for name, value in query.items() if name != "token"}, **started.parameters}
    headers = {"Call-ID": started.call_id} if started.call_id else {}
    callerid, destination = said.pop("callerid", ""), said.pop("destination", "")
    display_name, custom_data = said.pop("displayName", ""), said.pop("customData", "")
    return Party(
        callerid=started.callerid or callerid or "anonymous",
        destination=started.destination or destination or "voxrun",
        displayName=display_name,
        headers={**headers, **said},
        customData=custom_data,
    )


def _end_of(closed: Closed, peer: str) -> str:
    """In words. Without `close`, we end a connection only when the peer breaks the protocol."""
    if closed.code == LOST:
        return f"the connection was lost: {closed.reason}" if closed.reason else "the connection was lost"
    who = peer if closed.was_clean else "we"
    return f"{who} closed the connection: {closed.code} {closed.reason}".rstrip()


def _connect(url: str, form: Mapping[str, str]) -> str:
    told = ((name, form.get(field, "")) for name, field in _TOLD.items())
    parameters = "".join(f'<Parameter name="{name}" value="{escape(value)}"/>' for name, value in told if value)
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Response><Connect><Stream url="{escape(url)}">{parameters}</Stream></Connect></Response>'
    )
    return _NO_XML.sub("\ufffd", document)
