"""The structs against the service's own contract, field by field; a wanted difference is listed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from voxrun.protocol.elevenlabs.agents_client_messages import AnyClientMessage, UserAudio
from voxrun.protocol.elevenlabs.agents_server_messages import BODY_FIELDS, AnyServerMessage
from voxrun.protocol.elevenlabs.formats import FORMATS

yaml = pytest.importorskip("yaml")

CONTRACT = Path(__file__).parents[2] / "../shared/reference/elevenlabs-agent.asyncapi.yaml"
SERVER_MESSAGES = get_args(AnyServerMessage)
CLIENT_MESSAGES = (UserAudio, *get_args(AnyClientMessage))

# Path of a field -> how we have it. The reason is in the docstring of the struct or of the structs' file.
DEVIATIONS = {
    # the service has left it out; its SDKs take pcm_16000 then
    "ConversationMetadata.conversation_initiation_metadata_event.user_input_audio_format": "string",
    # the guide's examples leave them out
    "UserTranscript.user_transcription_event.event_id": "integer",
    "AgentResponse.agent_response_event.event_id": "integer",
    "AgentResponseCorrection.agent_response_correction_event.event_id": "integer",
    "ClientToolCallMessage.client_tool_call.event_id": "integer",
    "AgentToolResponseMessage.agent_tool_response.event_id": "integer",
    "AgentToolResponseMessage.agent_tool_response.is_called": "boolean",
}

Schema = dict[str, Any]


@pytest.fixture(scope="module")
def contract() -> Schema:
    if not CONTRACT.exists():
        pytest.skip("the contract is not beside this checkout")
    # BaseLoader keeps every scalar a string: the safe one reads the language `no` as False.
    loaded: Schema = yaml.load(CONTRACT.read_text(), Loader=yaml.BaseLoader)
    return loaded


def resolve(schema: Schema, root: Schema) -> Schema:
    """The schema itself: its reference followed, its allOf merged."""
    if "$ref" in schema:
        target: Any = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return {**resolve(target, root), **{k: v for k, v in schema.items() if k != "$ref"}}
    if "allOf" in schema:
        parts = [resolve(part, root) for part in schema["allOf"]]
        return {
            "type": "object",
            "required": [name for part in parts for name in part.get("required", [])],
            "properties": {name: field for part in parts for name, field in part["properties"].items()},
        }
    return schema


def leaf(schema: Schema, *, exact: bool) -> str:
    """A type in words; unless `exact`, enumerations of several values and ranges are left open."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if len(values) == 1 or (exact and values):
        return "|".join(sorted(values))
    words = [schema.get("type") or ("string" if isinstance(values[0], str) else "integer")]
    limits = ("minimum", "maximum", "minItems", "maxItems")
    words += [f"{limit} {float(schema[limit]):g}" for limit in limits if exact and limit in schema]
    return " ".join(words)


def flatten(schema: Schema, root: Schema, path: str, *, exact: bool) -> Iterator[tuple[str, str]]:
    """Each field below this schema as (dotted path, its type, nullability and requiredness in words)."""
    schema = resolve(schema, root)
    for name, field in schema.get("properties", {}).items():
        field = resolve(field, root)
        options = [resolve(option, root) for option in field.get("anyOf") or field.get("oneOf") or [field]]
        present = [option for option in options if option.get("type") != "null"]
        nullable = field.get("nullable") or len(present) < len(options)
        required = name in schema.get("required", [])
        words = [*sorted({leaf(option, exact=exact) for option in present})]
        yield f"{path}.{name}", " ".join([*words, *["nullable"] * bool(nullable), *["required"] * required])
        for option in present:
            variant = f"{path}.{name}"
            if len(present) > 1:
                state = resolve(option["properties"]["state"], root)
                variant += f"[{state.get('const') or state['enum'][0]}]"
            yield from flatten(option, root, variant, exact=exact)
            if "items" in option:
                items = {"properties": {"[]": option["items"]}}
                yield from flatten(items, root, f"{path}.{name}", exact=exact)


def fields_of_structs(structs: tuple[type[msgspec.Struct], ...]) -> dict[str, str]:
    schemas, components = msgspec.json.schema_components(structs, ref_template="#/{name}")
    named: Iterator[tuple[type[msgspec.Struct], Schema]] = zip(structs, schemas, strict=True)
    return {k: v for struct, schema in named for k, v in flatten(schema, components, struct.__name__, exact=True)}


def fields_of_contract(contract: Schema, direction: str, *, exact: bool) -> dict[str, str]:
    references = contract["channels"]["AgentMessages"][direction]["message"]["oneOf"]
    fields: dict[str, str] = {}
    for reference in references:
        name = reference["$ref"].rsplit("/", 1)[1]
        payload = resolve(reference, contract)["payload"]
        fields.update(flatten(payload, contract, name, exact=exact))
    return fields


def test_there_are_27_messages_one_way_and_10_the_other() -> None:
    assert len(SERVER_MESSAGES) == len(BODY_FIELDS) == 27
    assert len(CLIENT_MESSAGES) == 10


def test_server_messages_are_the_contracts(contract: Schema) -> None:
    expected = fields_of_contract(contract, "publish", exact=False)
    assert DEVIATIONS.keys() <= expected.keys()
    assert fields_of_structs(SERVER_MESSAGES) == expected | DEVIATIONS


def test_client_messages_are_the_contracts_with_ranges_and_enumerations(contract: Schema) -> None:
    expected = fields_of_contract(contract, "subscribe", exact=True)
    assert fields_of_structs(CLIENT_MESSAGES) == expected


def test_formats_are_the_contracts(contract: Schema) -> None:
    schemas = contract["components"]["schemas"]
    assert list(FORMATS) == schemas["AudioFormat"]["enum"] == schemas["UserInputAudioFormat"]["enum"]
