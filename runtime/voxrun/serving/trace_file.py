"""`trace_into`: a session's trace, written to a file that may be slow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from voxrun.errors import DeviceError
from voxrun.media.write_behind import WriteBehind
from voxrun.session.session import Session
from voxrun.transports.sound_library import TextFile


@asynccontextmanager
async def trace_into(session: Session, path: Path) -> AsyncIterator[None]:
    """Write each record, a line of JSON, those so far included; the file is complete afterwards.

    A file that can't be written is the session's loss, which it tells, and nobody else's. Records that come faster than
    they are written are counted in one more, the last.
    """

    def fail(error: OSError) -> None:
        session.broke(DeviceError(f"{path} can't be written: {error.strerror}; the call goes on"))

    try:
        writer = await session.offload(partial(TextFile, path))
    except OSError as error:
        fail(error)
        yield
        return
    file = WriteBehind(session, writer, fail, "".join)

    def put(line: str) -> None:
        file.put(f"{line}\n")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(file.drain)
        for line in session.trace_log.lines():
            put(line)
        session.trace_log.subscribe(put)
        yield
        if file.dropped:
            session.trace("losses", of=str(path), records_not_written=file.dropped)
        file.stop()
