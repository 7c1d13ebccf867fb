"""What an agents client keeps out of all output: a key that is sent back in part, and the provider's own secrets."""

from tests.agent_service import API_KEY
from tests.providers.agent_play import Play, greet

from voxrun.transports.server import Reply


def test_a_refusal_that_is_cut_off_holds_no_half_of_the_key(play: Play) -> None:
    said = "x " * 245
    ran, _, _ = play(greet, refusal=Reply(401, f"{said}{API_KEY} is wrong".encode()))
    assert f"({said[:-1]}" in str(ran.outcome.error)
    assert API_KEY[:8] not in str(ran.records)


def test_a_variable_that_the_provider_keeps_secret_is_not_shown(play: Play) -> None:
    variables = {"secret__id": "a-4711-b", "secret__member": True, "secret__since": None, "day": "Monday"}
    ran, service, _ = play(
        greet,
        f"""
        agent.conversationInitiationClientData({{"dynamic_variables": {variables}}})
        Logger.write("a-4711-b on Monday: True, None")
        """,
    )
    assert service.conversations[0].sent_by_client[0]["dynamic_variables"] == variables
    assert ran.logged[0] == "*** on Monday: True, None"
    assert "a-4711-b" not in str(ran.records)
