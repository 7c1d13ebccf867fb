"""What a test asks about events that do not exist is answered with a word, not with `none`."""

import pytest
from tests.testing.conversation import hold

from voxrun.errors import ConfigurationError
from voxrun.events.call import CallEvents
from voxrun.events.elevenlabs import AgentsEvents
from voxrun.events.message import Message
from voxrun.testing import event, message
from voxrun.testing.simulated_call import Events, SimulatedEvent

CAME = Events((SimulatedEvent(1.0, "Call.Failed", "call-1", Message({})),))


def test_an_event_is_found_by_its_constant_and_by_its_name() -> None:
    assert CAME.named(CallEvents.Failed) == CAME.named("Call.Failed") == [CAME.first("Call.Failed")]
    assert CAME.named(AgentsEvents.Interruption) == CAME.named("ElevenLabs.Events.WebSocketMediaEnded") == []
    assert event(CallEvents.Failed) == event("Call.Failed")


@pytest.mark.parametrize("ask", [CAME.named, CAME.first, event])
def test_a_name_that_no_event_has_is_a_mistake_of_the_test(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(ConfigurationError, match=r"^no event is named 'Call\.Faild'; did you mean 'Call\.Failed'\?$"):
        ask("Call.Faild")
    with pytest.raises(ConfigurationError, match=r"^no event is named 'x'$"):
        ask("x")


def test_a_type_that_no_message_has_is_one_too() -> None:
    call = hold()
    for kind in ("contextual_update", "conversation_initiation_client_data", "pong", "feedback"):
        assert message(kind).name == kind
        call.agent.received(kind)
    for ask in (call.agent.received, message):
        with pytest.raises(ConfigurationError, match=r"named 'user_mesage'; did you mean 'user_message'\?$"):
            ask("user_mesage")
