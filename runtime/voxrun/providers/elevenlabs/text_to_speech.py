"""`synthesise`: a whole text as speech, in one HTTP request (provider page: Create speech)."""

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from voxrun.audio.frame import Samples
from voxrun.audio.pcm import decode_pcm
from voxrun.errors import RemoteError
from voxrun.protocol.excerpt import excerpt
from voxrun.providers.elevenlabs.endpoint import DEFAULT_BASE_URL
from voxrun.transports.http import HttpLimits, http_request

if TYPE_CHECKING:
    from voxrun.transports.network import Network

DEFAULT_VOICE = "JBFqnCBsd6RMkjVDRZzb"
"""The one of the provider's own first example."""

MODEL = "eleven_flash_v2_5"

_LIMITS = HttpLimits(seconds=30.0, size=10 * 1024 * 1024)


async def synthesise(
    network: "Network", api_key: str, text: str, voice_id: str | None, base_url: str = DEFAULT_BASE_URL
) -> Samples:
    """`text` as speech at 16 kHz, mono int16 of shape (n,). RemoteError, with the service's words, when it refuses."""
    url = f"{base_url}/v1/text-to-speech/{quote(voice_id or DEFAULT_VOICE, safe='')}?output_format=pcm_16000"
    response = await http_request(
        network,
        "POST",
        url,
        headers=[("xi-api-key", api_key), ("Content-Type", "application/json")],
        body=msgspec.json.encode({"text": text, "model_id": MODEL}),
        limits=_LIMITS,
    )
    if response.status != 200:
        reason = excerpt(response.body.decode(errors="replace"), 500)
        advice = {401: "check ELEVENLABS_API_KEY", 404: "check the voice"}.get(response.status, "try again later")
        raise RemoteError(
            f"ElevenLabs refused to speak with HTTP {response.status}: {advice}{f' ({reason})' if reason else ''}",
            code=response.status,
            reason=reason,
        )
    return decode_pcm(response.body)
