"""Processor time per 20 ms frame on the audio floor: python tests/benchmarks/bench_audio.py."""

import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import permutations

import numpy as np

from voxrun.audio.frame import SESSION_RATES, Samples, frame_size
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.audio.level import dbfs
from voxrun.audio.mix import mix
from voxrun.audio.resample import RATES, Resampler

ROUNDS = 5
CALLS = 2000


def microseconds(call: Callable[[], object]) -> float:
    """The best round's processor time per call, all threads counted."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(CALLS):
            call()
        rounds.append((time.process_time() - started) / CALLS * 1e6)
    return min(rounds)


def report(name: str, call: Callable[[], object]) -> None:
    sys.stdout.write(f"{name:<24}{microseconds(call):6.1f} us\n")


def noise(rate: int) -> Samples:
    return np.random.default_rng(1).integers(-20000, 20000, frame_size(rate)).astype(np.int16)


def main() -> None:
    report("encode_ulaw", partial(encode_ulaw, noise(8000)))
    report("decode_ulaw", partial(decode_ulaw, bytes(160)))
    for rate in SESSION_RATES:
        report(f"dbfs {rate}", partial(dbfs, noise(rate)))
        report(f"mix of 2 {rate}", partial(mix, [noise(rate), noise(rate)]))
    for source, target in permutations(RATES, 2):
        report(f"resample {source} {target}", partial(Resampler(source, target).process, noise(source)))


if __name__ == "__main__":
    main()
