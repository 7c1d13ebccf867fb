import socket
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest
import trio
import trio.testing

from voxrun.transports.shared_listener import LOOK_SECONDS, SharedListener

CONNECTIONS = 40


async def shared(hesitations: Sequence[Callable[[], int]], taken: Counter[int], idle: float = 0.0) -> None:
    """Connections, one after the other, and who takes them of those that listen at one socket.

    `idle`: seconds for which nobody does anything before each one.
    """
    server = trio.socket.from_stdlib_socket(socket.create_server(("127.0.0.1", 0)))
    with server:
        async with trio.open_nursery() as nursery:
            for number, hesitation in enumerate(hesitations):
                listener = SharedListener(trio.SocketListener(server.dup()), hesitation)
                nursery.start_soon(take, listener, number, taken)
            for _ in range(CONNECTIONS):
                await trio.testing.wait_all_tasks_blocked(idle)
                stream = await trio.open_tcp_stream(*server.getsockname())
                assert await stream.receive_some() == b"x"
                await stream.aclose()
            nursery.cancel_scope.cancel()


async def take(listener: SharedListener, number: int, taken: Counter[int]) -> None:
    """Whatever it gets, it notes and closes."""
    async with listener:
        while True:
            async with await listener.accept() as stream:
                taken[number] += 1
                await stream.send_all(b"x")


@pytest.mark.parametrize("first", [0, 1])
def test_who_does_not_hesitate_takes_what_comes(first: int) -> None:
    taken: Counter[int] = Counter()
    trio.run(shared, (lambda: 50 * (first == 1), lambda: 50 * (first == 0)), taken)
    assert taken[first] >= CONNECTIONS - 1  # a machine that is busy may hold it up for as long


def test_who_hesitates_takes_what_nobody_else_did() -> None:
    async def main() -> None:
        taken: Counter[int] = Counter()
        began = trio.current_time()
        await shared((lambda: 2,), taken)
        assert taken[0] == CONNECTIONS
        assert trio.current_time() - began >= CONNECTIONS * 2 * LOOK_SECONDS

    trio.run(main)


def test_who_was_too_late_waits_for_the_next_one_and_hesitates_again() -> None:
    asked: Counter[int] = Counter()

    def hesitation(number: int) -> int:
        asked[number] += 1
        return 0

    async def main() -> None:
        with trio.fail_after(10):
            await shared([partial(hesitation, number) for number in range(2)], Counter(), idle=0.005)

    trio.run(main)
    assert min(asked.values()) >= CONNECTIONS - 1  # a machine that is busy may wake one up late


def test_hesitating_by_what_one_has_taken_makes_it_even() -> None:
    taken = Counter(range(4))
    trio.run(shared, [partial(excess, taken, number) for number in taken], taken)
    assert max(taken.values()) <= CONNECTIONS / 4 + 2


def excess(taken: Counter[int], number: int) -> int:
    """By how much it is more than the least."""
    return taken[number] - min(taken.values())
