"""Turns and limits of a session's requests, in virtual time."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
import trio.testing

from voxrun.session.requests import ACTIVE_LIMIT, LIMIT, Requests


class Host:
    def __init__(self, nursery: trio.Nursery) -> None:
        self.warnings: list[str] = []
        self._nursery = nursery

    def spawn(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        self._nursery.start_soon(task, *args)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class Scene:
    """Requests that take a second each, and when each was through."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.host = Host(nursery)
        self.requests = Requests(self.host)
        self.done: dict[int, float] = {}

    def begin(self, number: int, seconds: float = 1.0) -> bool:
        return self.requests.begin(f"host-{number}", partial(self._work, number, seconds))

    async def _work(self, number: int, seconds: float) -> None:
        await trio.sleep(seconds)
        self.done[number] = trio.current_time()


def play(act: Callable[[Scene], Awaitable[None]]) -> Scene:
    async def main() -> Scene:
        async with trio.open_nursery() as nursery:
            scene = Scene(nursery)
            await act(scene)
        return scene

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_three_at_a_time_and_the_others_in_their_order() -> None:
    async def act(scene: Scene) -> None:
        assert all(scene.begin(number) for number in range(7))

    assert play(act).done == pytest.approx({0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 2, 6: 3})


def test_there_is_an_end_to_how_many_wait_and_room_again_afterwards() -> None:
    async def act(scene: Scene) -> None:
        assert all(scene.begin(number) for number in range(LIMIT))
        assert not scene.begin(LIMIT)
        await trio.sleep(1.5)
        assert all(scene.begin(LIMIT + number) for number in range(ACTIVE_LIMIT))
        assert not scene.begin(2 * LIMIT)

    assert len(play(act).done) == LIMIT + ACTIVE_LIMIT


def test_the_end_waits_for_those_whose_turn_has_come_and_forgets_the_others() -> None:
    async def act(scene: Scene) -> None:
        for number in range(5):
            scene.begin(number, 0.5 + number)
        await trio.testing.wait_all_tasks_blocked()
        await scene.requests.finish()
        assert trio.current_time() == pytest.approx(2.5)
        assert scene.host.warnings == ["the session ends when its HTTP requests are through: 2 are not yet"]

    assert sorted(play(act).done) == [0, 1, 2]


def test_an_end_with_nothing_to_wait_for_takes_no_time() -> None:
    async def act(scene: Scene) -> None:
        await scene.requests.finish()
        assert trio.current_time() == 0
        assert scene.host.warnings == []

    play(act)


def test_so_many_may_be_made_then_and_no_more() -> None:
    async def act(scene: Scene) -> None:
        assert scene.begin(0, 0.5)
        await scene.requests.finish(then=1)
        assert scene.begin(1)
        assert not scene.begin(2)
        await scene.requests.finish()
        assert scene.done == {0: 0.5, 1: 1.5}
        assert not scene.begin(3)

    assert sorted(play(act).done) == [0, 1]


def test_in_a_hurry_the_end_gives_up_what_takes_longer_and_names_it() -> None:
    async def act(scene: Scene) -> None:
        scene.begin(0, 60.0)
        scene.begin(1, 2.0)
        await trio.sleep(1.0)
        scene.requests.hurry(5.0)
        await scene.requests.finish(then=1)
        assert trio.current_time() == pytest.approx(6.0)
        assert scene.host.warnings[1:] == [
            "the HTTP request to host-0 was not through after 5 s: the session ends without it"
        ]

    assert play(act).done == pytest.approx({1: 2.0})


def test_an_end_that_has_begun_can_be_hurried_and_no_further_haste_gives_more_time() -> None:
    async def act(scene: Scene) -> None:
        async def hurry_twice() -> None:
            for moment in (3.0, 4.0):
                await trio.sleep_until(moment)
                scene.requests.hurry(5.0)

        scene.begin(0, 60.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hurry_twice)
            await scene.requests.finish()
            assert trio.current_time() == pytest.approx(8.0)

    assert play(act).done == {}


def test_what_is_begun_in_a_hurry_has_its_own_time_and_the_turn_of_those_given_up() -> None:
    async def act(scene: Scene) -> None:
        scene.requests.hurry(5.0)
        for number in range(ACTIVE_LIMIT):
            scene.begin(number, 60.0)
        scene.begin(3, 4.0)
        await trio.sleep(5.0 + 4.5)
        assert scene.done == pytest.approx({3: 9.0})
        scene.begin(4, 60.0)
        await scene.requests.finish()
        assert trio.current_time() == pytest.approx(14.5)
        assert len(scene.host.warnings) == ACTIVE_LIMIT + 2

    play(act)
