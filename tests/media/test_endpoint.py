"""What an endpoint of a conference is made of."""

from tests.kit import Play, ScriptedLeg, Setting


def test_what_is_none_is_not_given(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            event.call.answer()
            endpoint = VoxEngine.createConference().add(call=event.call, direction=None, displayName=None)
            Logger.write(f"{endpoint.getDirection()} {endpoint.display_name!r}")
            VoxEngine.terminate()
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.outcome.error is None
    assert ran.logged == ["both ''"]
