"""What an agent hears of a caller whose audio comes ahead of its ticks, several frames at a time."""

from pathlib import Path

import numpy as np
import pytest
import trio
from tests.agent_service import API_KEY, AgentService, Conversation
from tests.kit import Setting, simulate, ticks
from tests.media.noise import noise
from tests.media.test_stream_leg import FarEnd
from tests.providers.agent_play import SCENARIO

from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated
from voxrun.session.session import Session

SIZE = 160


@pytest.mark.parametrize("burst", [1, 2, 3])
def test_it_hears_all_and_nothing_in_between(tmp_path: Path, burst: int) -> None:
    said = decode_ulaw(encode_ulaw(noise(2.4, rate=8000)))

    async def listen(conversation: Conversation) -> None:
        await conversation.wait_for(ConversationInitiated)
        conversation.greet(user_input="pcm_8000")
        await trio.sleep_forever()

    async def say(_: Session) -> None:
        await trio.sleep(1.003)
        for begin in range(0, len(said), burst * SIZE):
            far.say(said[begin : begin + burst * SIZE])
            await trio.sleep(burst * 0.02)

    far, service = FarEnd(), AgentService(listen)
    path = tmp_path / "scenario.py"
    path.write_text(SCENARIO % "")
    simulate(path, Setting(leg=far.leg, secrets={"KEY": API_KEY}, background=service.start, meanwhile=say))
    heard = np.frombuffer(service.conversations[0].heard, np.int16)
    begin = int(np.flatnonzero(heard)[0])  # the first sample said is not 0
    assert np.array_equal(heard[begin : begin + len(said)], said)
    assert len(heard) / SIZE == pytest.approx(ticks(5 - 0.2), abs=4)
