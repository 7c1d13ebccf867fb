"""Who may speak: latching and locking."""

from voxrun.protocol.rtp.packet import RtpPacket
from voxrun.protocol.rtp.source_lock import SEQUENTIAL_PACKETS, SILENCE_SECONDS, Address, SourceLock

PEER, STRANGER = ("192.0.2.1", 4000), ("198.51.100.9", 9)


def packet(sequence: int, ssrc: int = 1) -> RtpPacket:
    return RtpPacket(0, sequence % 65536, 0, ssrc, b"\xff")


def accepted(lock: SourceLock, source: Address, sequences: range, now: float = 0.0) -> list[bool]:
    return [lock.accepts(source, packet(n), now) for n in sequences]


def test_the_configured_address_is_taken_at_once() -> None:
    lock = SourceLock(PEER)
    assert not lock.is_locked
    assert lock.accepts(PEER, packet(1), 0.0)
    assert lock.is_locked


def test_another_address_is_taken_after_five_packets_in_a_row() -> None:
    lock = SourceLock(PEER)
    assert accepted(lock, STRANGER, range(65533, 65533 + SEQUENTIAL_PACKETS - 1)) == [False] * (SEQUENTIAL_PACKETS - 1)
    assert lock.remote == PEER
    assert lock.accepts(STRANGER, packet(65533 + SEQUENTIAL_PACKETS - 1), 0.0)
    assert lock.remote == STRANGER
    assert lock.is_locked


def test_packets_that_do_not_follow_each_other_teach_nothing() -> None:
    lock = SourceLock()
    assert not any(lock.accepts(STRANGER, packet(n), 0.0) for n in range(0, 200, 2))
    assert not any(lock.accepts((STRANGER[0], n % 2), packet(n), 0.0) for n in range(200))
    assert not any(lock.accepts(STRANGER, packet(n, ssrc=n), 0.0) for n in range(200))
    assert lock.remote is None
    assert lock.strangers == 500


def test_after_the_lock_nobody_else_is_heard() -> None:
    lock = SourceLock(PEER)
    lock.accepts(PEER, packet(1), 0.0)
    for n in range(100):
        assert lock.accepts(PEER, packet(n), n * 0.02)
        assert not lock.accepts(STRANGER, packet(n), n * 0.02)
    assert lock.remote == PEER
    assert lock.strangers == 100


def test_a_learned_lock_holds_against_the_configured_address() -> None:
    lock = SourceLock(PEER)
    accepted(lock, STRANGER, range(SEQUENTIAL_PACKETS))
    assert not any(accepted(lock, PEER, range(20), now=1.0))


def test_long_silence_lets_another_in() -> None:
    lock = SourceLock(PEER)
    lock.accepts(PEER, packet(1), 0.0)
    assert not any(accepted(lock, STRANGER, range(20), now=SILENCE_SECONDS - 0.1))
    assert accepted(lock, STRANGER, range(20, 20 + SEQUENTIAL_PACKETS), now=SILENCE_SECONDS)[-1]
    assert lock.remote == STRANGER


def test_the_peer_that_returns_in_time_keeps_its_place() -> None:
    lock = SourceLock(PEER)
    lock.accepts(PEER, packet(1), 0.0)
    accepted(lock, STRANGER, range(SEQUENTIAL_PACKETS - 1), now=SILENCE_SECONDS)
    assert lock.accepts(PEER, packet(2), SILENCE_SECONDS)
    assert not lock.accepts(STRANGER, packet(SEQUENTIAL_PACKETS), SILENCE_SECONDS)
