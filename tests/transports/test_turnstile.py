"""Who is let in, and who must go."""

from contextlib import ExitStack

from voxrun.transports.turnstile import OwnGuests, Turnstile


def enter(turnstile: Turnstile, stack: ExitStack, peer: str, *, speaks: bool = False) -> bool:
    visit = stack.enter_context(turnstile.passing(peer))
    if visit is not None and speaks:
        visit.has_spoken()
        visit.has_spoken()
    return visit is not None


def test_so_many_of_one_address_may_be_inside() -> None:
    turnstile = Turnstile(most=2)
    with ExitStack() as stack:
        assert [enter(turnstile, stack, "a", speaks=True) for _ in range(3)] == [True, True, False]
        assert enter(turnstile, stack, "b")
    with ExitStack() as stack:
        assert enter(turnstile, stack, "a")
    assert turnstile.refusals == {"crowd": 1}


def test_those_who_are_silent_count_by_themselves() -> None:
    turnstile = Turnstile(most_silent=1)
    with ExitStack() as stack:
        assert enter(turnstile, stack, "a", speaks=True)
        assert enter(turnstile, stack, "a")
        assert not enter(turnstile, stack, "a")
        assert enter(turnstile, stack, "b")


def test_who_speaks_takes_no_other_ones_place() -> None:
    turnstile = Turnstile(most_silent=2)
    with ExitStack() as stack:
        assert enter(turnstile, stack, "a")
        assert enter(turnstile, stack, "a", speaks=True)
        assert [enter(turnstile, stack, "a") for _ in range(2)] == [True, False]


def test_the_silent_of_all_addresses_have_a_bound() -> None:
    turnstile = Turnstile(most_silent_of_all=2)
    with ExitStack() as stack:
        assert [enter(turnstile, stack, peer) for peer in "abc"] == [True, True, False]


def test_nothing_is_remembered_of_those_who_left() -> None:
    guests = OwnGuests()
    turnstile = Turnstile(most=1, most_silent=1, guests=guests)
    for number in range(1000):
        with ExitStack() as stack:
            assert enter(turnstile, stack, f"10.0.0.{number}", speaks=bool(number % 2))
    assert not guests._inside
    assert not turnstile._silent


def test_who_has_no_address_is_not_counted() -> None:
    turnstile = Turnstile(most=1, most_silent=1, most_silent_of_all=3)
    with ExitStack() as stack:
        assert all(enter(turnstile, stack, "") for _ in range(10))
