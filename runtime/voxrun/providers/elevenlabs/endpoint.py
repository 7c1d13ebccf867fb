"""Where one conversation is to be had: a signed URL asked for over HTTPS, or a direct WebSocket address."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlencode, urlsplit

import msgspec

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.protocol.excerpt import excerpt
from voxrun.transports.address import public
from voxrun.transports.http import HttpResponse, http_request

if TYPE_CHECKING:
    from voxrun.transports.network import Network

DEFAULT_BASE_URL = "https://api.elevenlabs.io"

CONVERSATION_PATH = "/v1/convai/conversation"
_PUBLIC_QUERY = ("agent_id", "branch_id", "version_id", "environment", "conversation_id")

SIGNED_URL_PATH = "/v1/convai/conversation/get-signed-url"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A WebSocket address to connect to, and the HTTP answer it came from, if any."""

    url: str
    response: HttpResponse | None

    @property
    def public_url(self) -> str:
        """The address without its query, which holds the signature."""
        return public(self.url)

    @property
    def secrets(self) -> list[str]:
        """The signature, and what else is not known to be public, as it stands in the address and decoded.

        Nothing in a direct address is secret.
        """
        if self.response is None:
            return []
        pairs = [pair.partition("=") for pair in self.url.partition("?")[2].split("&")]
        return [form for name, _, value in pairs if name not in _PUBLIC_QUERY for form in (value, unquote_plus(value))]


class _SignedUrl(msgspec.Struct):
    signed_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAddress:
    """Which agent, where, and with which key (provider page: Get signed URL).

    A `base_url` that begins with ws or wss means a direct connection without a signed URL.
    """

    agent_id: str
    api_key: str | None
    base_url: str = DEFAULT_BASE_URL
    include_conversation_id: bool = False
    branch_id: str | None = None

    async def resolve(self, network: "Network") -> Endpoint:
        """Find out where to connect. RemoteError when the service refuses or can't be reached."""
        query = {"agent_id": self.agent_id}
        if self.branch_id is not None:
            query["branch_id"] = self.branch_id
        base = self.base_url.rstrip("/")
        scheme = base.partition("://")[0].lower()
        if scheme in ("ws", "wss"):
            return Endpoint(f"{base}{CONVERSATION_PATH}?{urlencode(query)}", None)
        if scheme not in ("http", "https"):
            raise ConfigurationError(f"baseUrl '{public(base)}' is no http, https, ws or wss address")
        if not self.api_key:
            raise ConfigurationError(
                "xiApiKey is missing: set the secret it is read from (in the environment, with --secret NAME=VALUE "
                "or --env-file FILE), or run with --local-agent, which needs no key"
            )
        if self.include_conversation_id:
            query["include_conversation_id"] = "true"
        url = f"{base}{SIGNED_URL_PATH}?{urlencode(query)}"
        response = await http_request(network, "GET", url, headers=[("xi-api-key", self.api_key)])
        if response.status != 200:
            raise self._refused(response)
        try:
            answer = msgspec.json.decode(response.body, type=_SignedUrl)
        except (ValueError, RecursionError) as error:  # msgspec's and Unicode's errors are ValueErrors
            raise RemoteError(
                f"{public(base)} answered the request for a signed URL with something else: {error}"
            ) from error
        return Endpoint(answer.signed_url, response)

    def _refused(self, response: HttpResponse) -> RemoteError:
        advice = {401: "check xiApiKey", 403: "this key may not use the agent"}
        advice |= dict.fromkeys((400, 404, 422), "check agentId")
        reason = excerpt(response.body.decode(errors="replace"), 500)
        return RemoteError(
            f"{urlsplit(self.base_url).netloc} refused agent {self.agent_id!r} with HTTP {response.status}: "
            f"{advice.get(response.status, 'try again later')}{f' ({reason})' if reason else ''}",
            code=response.status,
            reason=reason,
        )
