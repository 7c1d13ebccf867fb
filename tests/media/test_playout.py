"""A playout buffer against the simplest thing that could be one: a list."""

import weakref

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.frame import silence
from voxrun.media.playout import Playout

LIMIT = 50
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, LIMIT + 10)),
        st.tuples(st.just("take"), st.integers(1, 25)),
        st.tuples(st.just("clear"), st.integers(0, LIMIT)),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_is_done_it_is_a_bounded_queue_of_samples(steps: list[tuple[str, int]]) -> None:
    playout = Playout(rate=100, seconds=0.5)
    model: list[int] = []
    dropped = 0
    serial = 1
    for action, count in steps:
        if action == "put":
            samples = list(range(serial, serial + count))
            serial += count
            room = LIMIT - len(model)
            model += samples[:room]
            dropped += len(samples[room:])
            playout.put(np.array(samples, np.int16))
        elif action == "take":
            taken, model = model[:count], model[count:]
            frame = playout.take(count)
            expected = taken + [0] * (count - len(taken)) if taken else None
            assert (None if frame is None else frame.tolist()) == expected
            assert frame is None or frame.dtype == np.int16
        else:
            keep = min(count, len(model))
            model = model[len(model) - keep :]
            playout.clear(keep)
        assert (playout.size, playout.dropped) == (len(model), dropped)


def test_a_frame_put_in_whole_comes_out_as_itself() -> None:
    playout = Playout(16_000, 0.2)
    playout.put(silence(16_000))
    assert playout.take(320) is silence(16_000)
    assert playout.take(320) is None


def test_what_is_dropped_is_not_kept_in_memory() -> None:
    playout, many = Playout(8000, 1.0), np.zeros(8000, np.int16)
    playout.put(many)
    too_many = many.copy()
    playout.put(too_many)
    kept = weakref.ref(too_many)
    del too_many
    assert kept() is None


def test_samples_that_were_put_are_never_written_to() -> None:
    playout = Playout(8000, 1.0)
    for size in (100, 60, 200, 160):
        samples = np.full(size, 7, np.int16)
        samples.flags.writeable = False
        playout.put(samples)
    frames = [playout.take(160) for _ in range(4)]
    assert [frame is not None and frame.tolist() for frame in frames] == [
        [7] * 160,
        [7] * 160,
        [7] * 160,
        [7] * 40 + [0] * 120,
    ]


def test_of_what_finds_room_in_part_only_the_part_is_kept() -> None:
    playout, many = Playout(8000, 1.0), np.zeros(9000, np.int16)
    kept = weakref.ref(many)
    playout.put(many)
    del many
    assert (playout.size, playout.dropped) == (8000, 1000)
    assert kept() is None


def test_many_tiny_pieces_are_not_kept_each_by_itself() -> None:
    playout = Playout(8000, 1.0)
    pieces = [np.full(1, number, np.int16) for number in range(8000)]
    kept = [weakref.ref(piece) for piece in pieces]
    while pieces:
        playout.put(pieces.pop(0))
    assert sum(piece() is not None for piece in kept) < 200
    frames = [playout.take(160) for _ in range(50)]
    assert [number for frame in frames if frame is not None for number in frame.tolist()] == list(range(8000))
