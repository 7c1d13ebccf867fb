"""WebSockets of the scenario's own: how much of them may wait."""

from tests.providers.socket_play import Play, listen

from voxrun.testing import WebSocketPeer, at, refuse


def test_a_scenario_has_only_so_many_tags(play_socket: Play) -> None:
    body = """
        ws, room = connect(), VoxEngine.createConference()
        for number in range(1000):
            ws.sendMediaTo(room, tag=f"t{number}")
    """
    assert "websocket-1 has streams with 200 tags already" in str(play_socket(body, listen).outcome.error)


def test_large_texts_wait_for_the_connection_only_so_far(play_socket: Play) -> None:
    sent: list[str] = []

    async def talk(peer: WebSocketPeer) -> None:
        sent.extend([message async for message in peer])

    body = """
        ws = connect()
        for _ in range(10):
            ws.send("x" * 1_000_000)
        Logger.write(sum(map(len, ws._waiting_texts)))
    """
    call = play_socket(body, talk)
    assert "4000000" in call.log
    assert len(sent) == 4
    assert [it["messages_not_sent"] for it in call.records if it["kind"] == "losses" and it["of"] == "websocket-1"] == [
        6
    ]


def test_what_waited_for_a_connection_that_never_came_is_not_kept(play_socket: Play) -> None:
    body = """
        ws = connect()
        ws.send("x")
        ws.addEventListener(WebSocketEvents.CLOSE, lambda e: Logger.write(f"waits: {ws._waiting_texts}"))
    """
    assert "waits: []" in play_socket(body, listen, faults=[at(0.0, refuse(60.0))]).log
