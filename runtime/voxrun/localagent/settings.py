"""`Settings`: how one conversation is held: the script, with what the client's initiation changes about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voxrun.localagent.delivery import Delivery, can_speak, voice_name
from voxrun.localagent.script import Script
from voxrun.protocol.elevenlabs.agents_client_messages import (
    AgentConfigOverride,
    ASRConversationalConfigOverride,
    PromptAgentOverride,
    TTSConversationalConfigOverride,
)

SCRIPTED_MODEL = "script"
"""The language model, when the client didn't name one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`known` are the values for placeholders: dynamic variables, and overrides by their names."""

    greeting: str
    delivery: Delivery
    model: str
    text_only: bool
    client_events: frozenset[str]
    known: Mapping[str, object]

    @classmethod
    def of(cls, script: Script, initiation: Mapping[str, Any]) -> "Settings":
        """What `initiation` (contract: ConversationInitiationPayload) makes of the script."""
        overrides = _overrides(initiation)
        voice = voice_name(overrides.get("language", "en"), overrides.get("voice_id"))
        text_only = _text_only(initiation)
        return cls(
            overrides.get("first_message", script.greeting),
            Delivery(voice, overrides.get("speed", 1.0), script.output_format),
            overrides.get("llm", SCRIPTED_MODEL),
            text_only,
            _client_events(script, initiation, text_only=text_only),
            {**overrides, **initiation.get("dynamic_variables", {})},
        )


def objection(script: Script, initiation: Mapping[str, Any]) -> str:
    """Why the service would not hold that conversation; empty when it would."""
    overrides = _overrides(initiation)
    for name in overrides:
        if name not in script.allow_overrides:
            return f"Override for field '{name}' is not allowed by config."
    language = overrides.get("language", "en")
    if not can_speak(language):
        return f"Language '{language}' is not supported by this agent."
    variables = initiation.get("dynamic_variables", {})
    missing = sorted(name for name in script.required_variables if variables.get(name) is None)
    if missing:
        return f"Missing required dynamic variables: {', '.join(missing)}"
    return ""


def _overrides(initiation: Mapping[str, Any]) -> dict[str, Any]:
    """Every override that is not null, by the name of its field: the conversation's own need no permission."""
    override = initiation.get("conversation_config_override", {})
    agent = override.get("agent", {})
    sections = (
        (agent, AgentConfigOverride),
        (agent.get("prompt", {}), PromptAgentOverride),
        (override.get("tts", {}), TTSConversationalConfigOverride),
        (override.get("asr", {}), ASRConversationalConfigOverride),
    )
    fields = ((name, section.get(name)) for section, struct in sections for name in struct.__struct_fields__)
    return {name: value for name, value in fields if value is not None and not isinstance(value, dict)}


def _text_only(initiation: Mapping[str, Any]) -> bool:
    """The Python SDK without an audio interface says so at the top of the overrides, against the contract."""
    override = initiation.get("conversation_config_override", {})
    return override.get("conversation", {}).get("text_only") is True or override.get("text_only") is True


def _client_events(script: Script, initiation: Mapping[str, Any], *, text_only: bool) -> frozenset[str]:
    override = initiation.get("conversation_config_override", {})
    asked = override.get("conversation", {}).get("client_events")
    if asked is not None:
        return frozenset(asked)
    return script.client_events | {"agent_chat_response_part"} if text_only else script.client_events
