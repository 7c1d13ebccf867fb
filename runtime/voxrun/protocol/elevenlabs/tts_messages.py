"""Every message of the text-to-speech `stream-input` protocol; none has a `type`, so their fields tell them apart.

Source: the service's AsyncAPI contract "ElevenLabs real-time API" 1.1.0. Its SDKs send null for what is not set, so
null is as good as absent.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

OPENING_TEXT = " "
"""The text of the first message, and the only text that keeps a connection alive and says nothing."""

CLOSING_TEXT = ""
"""The text that ends the input."""

CHUNK_LENGTHS = Meta(ge=50, le=500)


class VoiceSettings(Struct, frozen=True):
    """How the voice speaks: 0 to 1, `speed` 0.7 to 1.2."""

    stability: float | None = None
    similarity_boost: float | None = None
    style: float | None = None
    use_speaker_boost: bool | None = None
    speed: float | None = None


class GenerationConfig(Struct, frozen=True):
    """How many characters have to wait before each next piece of audio is made."""

    chunk_length_schedule: list[Annotated[float, CHUNK_LENGTHS]] | None = None


class PronunciationDictionaryLocator(Struct, frozen=True):
    """The contract calls the dictionary `dictionary_id`, the service's reference `pronunciation_dictionary_id`."""

    version_id: str | None = None
    pronunciation_dictionary_id: str | None = None
    dictionary_id: str | None = None


class InitializeConnection(Struct, frozen=True):
    """The first message, and the only one that may configure. The key may be in the request's headers instead."""

    text: str
    voice_settings: VoiceSettings | None = None
    generation_config: GenerationConfig | None = None
    pronunciation_dictionary_locators: list[PronunciationDictionaryLocator] | None = None
    xi_api_key: str | None = field(default=None, name="xi-api-key")
    authorization: str | None = None


class SendText(Struct, frozen=True):
    """Text to speak; it should end with a space. An empty one closes the input."""

    text: str
    try_trigger_generation: bool | None = None
    voice_settings: VoiceSettings | None = None
    generator_config: GenerationConfig | None = None
    flush: bool | None = None


class Alignment(Struct, frozen=True, omit_defaults=True):
    """When each character is heard: ms from the begin of the audio that it came with; the lists are equally long.

    The durations have two names: the contract's samples say `charDurationsMs`, some models `charsDurationsMs`.
    """

    chars: list[str]
    start_times: list[float] = field(name="charStartTimesMs")
    char_durations: list[float] = field(default_factory=list, name="charDurationsMs")
    chars_durations: list[float] = field(default_factory=list, name="charsDurationsMs")

    def __post_init__(self) -> None:
        if not len(self.chars) == len(self.start_times) == len(self.durations):
            raise ValueError(
                f"{len(self.chars)} characters, {len(self.start_times)} start times, {len(self.durations)} durations"
            )

    @property
    def durations(self) -> list[float]:
        """In ms, under whichever name they came."""
        return self.char_durations or self.chars_durations


class ServiceMessage(Struct, frozen=True, omit_defaults=True):
    """All that the service sends: audio in base64, the end of it (`isFinal`), or an error (`message` and the rest)."""

    audio: str | UnsetType | None = UNSET
    alignment: Alignment | None = None
    normalized_alignment: Alignment | None = field(default=None, name="normalizedAlignment")
    is_final: bool | UnsetType | None = field(default=UNSET, name="isFinal")
    message: str | None = None
    error: str | None = None
    code: int | str | None = None
