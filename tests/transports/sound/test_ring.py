"""Audio between two threads: order, bound and what is counted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxrun.transports.sound.ring import LIMIT_SECONDS, Ring

LIMIT = int(1000 * LIMIT_SECONDS)


@given(st.lists(st.one_of(st.none(), st.integers(1, 40)), max_size=200))
def test_a_ring_keeps_order_and_bound(moves: list[int | None]) -> None:
    """A number puts that many ms, None takes 10 ms, all at 1000 Hz: samples count up, so that lost ones show."""
    ring = Ring(1000)
    ring.start(1)
    put, taken = 1, 0
    for move in moves:
        if move is not None:
            ring.put(np.arange(put, put + move, dtype=np.int16))
            put += move
            assert len(ring) <= LIMIT
        elif (samples := ring.take(10)) is not None:
            kept = samples[samples > 0]
            assert kept.tolist() == list(range(int(kept[0]), int(kept[0]) + len(kept)))
            assert kept[0] > taken
            taken = int(kept[-1])


def test_it_flows_from_its_start_until_too_little_waits() -> None:
    ring = Ring(1000)
    ring.put(np.ones(20, np.int16))
    assert ring.take(10) is None
    assert ring.underflowed == 0
    ring.start(25)
    first = ring.take(10)
    assert first is not None
    assert first.tolist() == [0] * 5 + [1] * 5
    assert ring.take(10) is not None
    assert ring.lowest() == 5
    assert ring.take(10) is None
    assert ring.underflowed == 1
    assert not ring.flows
    assert len(ring) == 5


def test_a_start_drops_the_oldest_of_too_much() -> None:
    ring = Ring(1000)
    ring.put(np.arange(50, dtype=np.int16))
    ring.start(20)
    ring.skip(5)
    kept = ring.take(15)
    assert kept is not None
    assert kept[:5].tolist() == [round(n + 30 + 5 * (n + 0.5) / 5) for n in range(5)]
    assert kept[5:].tolist() == list(range(40, 50))


def test_too_much_ends_the_flow_and_is_counted() -> None:
    ring = Ring(1000)
    ring.start(20)
    ring.put(np.ones(LIMIT, np.int16))
    assert ring.overflowed == 1
    assert not ring.flows
    assert len(ring) == LIMIT
