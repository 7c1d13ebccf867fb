"""The simulated network, with the checks that trio has for every stream."""

import pytest
import trio
import trio.testing
from tests.kit import in_virtual_time

from voxrun.errors import RemoteError
from voxrun.testing.network import SimulatedNetwork


def test_its_streams_are_streams() -> None:
    async def make() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        return SimulatedNetwork().pair()

    trio.run(trio.testing.check_two_way_stream, make, None)


def test_a_cut_breaks_both_ends_also_of_who_waits() -> None:
    async def main() -> None:
        network = SimulatedNetwork()
        near, far = network.pair()
        await near.send_all(b"lost")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def wait() -> None:
                with pytest.raises(trio.BrokenResourceError):
                    await near.receive_some()

            await trio.sleep(1)
            network.cut()
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some()
        with pytest.raises(trio.BrokenResourceError):
            await far.send_all(b"x")

    in_virtual_time(main)


def test_a_stall_holds_everything_up_and_loses_nothing() -> None:
    async def main() -> None:
        network = SimulatedNetwork()
        near, far = network.pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(network.stall, 2.0)
            await trio.sleep(1)
            await near.send_all(b"one")
            later, peer = network.pair()
            await later.send_all(b"two")
            assert await far.receive_some() == b"one"
            assert trio.current_time() == pytest.approx(2)
            assert await peer.receive_some() == b"two"
            assert trio.current_time() == pytest.approx(2)

    in_virtual_time(main)


def test_nobody_gets_through_while_it_refuses() -> None:
    async def main() -> None:
        network = SimulatedNetwork()
        async with trio.open_nursery() as nursery:
            await nursery.start(network.serve, "a.test", 80, trio.abc.Stream.wait_send_all_might_not_block)
            nursery.start_soon(network.refuse, 1.0)
            await trio.sleep(0.5)
            with pytest.raises(RemoteError, match=r"a\.test:80 refused the connection"):
                await network.connect("a.test", 80, tls=False)
            await trio.sleep(1)
            await trio.aclose_forcefully(await network.connect("a.test", 80, tls=False))
            nursery.cancel_scope.cancel()

    in_virtual_time(main)
