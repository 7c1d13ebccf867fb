"""Calls that come within some milliseconds: each worker gets its share."""

from collections import Counter
from pathlib import Path

import pytest
import trio
from tests.others import undisturbed
from tests.serving.server import serving
from tests.serving.test_workers import call
from tests.serving.twilio_peer import TwilioPeer

WORKERS, CALLS = 4, 40


@pytest.mark.alone
def test_calls_that_come_at_once_are_spread_evenly(tmp_path: Path) -> None:
    async def main() -> Counter[int]:
        async with serving(tmp_path, "--workers", str(WORKERS)) as server, trio.open_nursery() as nursery:
            peers = [TwilioPeer(seed=seed) for seed in range(1, CALLS + 1)]
            for peer in peers:
                nursery.start_soon(call, server, peer)
            for peer in peers:
                await peer.connected.wait()
            at = Counter(it["worker"] for it in await server.sessions())
            for peer in peers:
                peer.hang_up.set()
        return at

    with undisturbed():  # a worker that can't keep up takes no more
        at = trio.run(main)
        assert max(at.values()) <= CALLS / WORKERS + 3
    assert at.total() == CALLS
