import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone
from tests.media.noise import noise

from voxrun.media.joined_source import JoinedSource
from voxrun.media.sample_source import SampleSource


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=5),
    st.lists(st.integers(1, 3000), min_size=1, max_size=20),
    st.integers(0, 3000),
)
def test_pieces_of_one_rate_are_joined_sample_for_sample(sizes: list[int], counts: list[int], before: int) -> None:
    pieces = [noise(size / 16_000, seed) for seed, size in enumerate(sizes)]
    joined = JoinedSource([SampleSource(piece, 16_000) for piece in pieces])
    joined.read(before)
    joined.rewind()
    got = np.concatenate([joined.read(count) for count in counts])
    assert np.array_equal(got, np.concatenate(pieces)[: sum(counts)])
    assert round(joined.duration * 16_000) == sum(sizes)


@given(st.integers(1, 20_000), st.integers(100, 20_000))
def test_a_piece_of_a_lower_rate_is_exactly_as_long_as_it_was(size: int, count: int) -> None:
    high = noise(0.01)
    joined = JoinedSource([SampleSource(noise(size / 8000, rate=8000), 8000), SampleSource(high, 16_000)])
    assert joined.rate == 16_000
    pieces = []
    while len(piece := joined.read(count)):
        pieces.append(piece)
    everything = np.concatenate(pieces)
    assert len(everything) == 2 * size + len(high)
    assert np.array_equal(everything[-len(high) :], high)


def test_a_converted_piece_sounds_as_it_did_and_when_it_did() -> None:
    joined = JoinedSource([SampleSource(tone(8000, 1.0), 8000), SampleSource(tone(48_000, 0.1), 48_000)])
    got = joined.read(48_000).astype(float)
    wanted = tone(48_000, 1.0).astype(float)
    error = (got - wanted)[500:-500]
    assert 10 * np.log10(np.mean(wanted**2) / np.mean(error**2)) > 40
