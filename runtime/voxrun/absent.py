"""`absent`: what to do without the names of VoxEngine's that voxrun does not have."""

TWO_OF_ON = "`on` stands above a function, as `@call.on(event)`; with two write addEventListener(event, function)"
"""JavaScript's `on` takes a handler as well."""


def _each(names: str, advice: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), advice)


_OUTBOUND = "there are no outbound calls yet: a scenario has the call that comes in, so leave the second one out"
_RECOGNITION = "no unit recognises speech yet: an ElevenLabs agent does, and tells by AgentsEvents.UserTranscript"
_MACHINES = "answering machines matter to outbound calls, which are not there yet: leave it out"
_CLIENT = "it needs a Voximplant client on the caller's side, and there is none: leave it out"
_SIP = "it needs SIP, which is not there yet: leave it out"
_PLATFORM = "it is a service of the Voximplant platform: leave it out"
_BOTS = "the platform's own bots are not there: an ElevenLabs agent talks, see ElevenLabs.createAgentsClient"
_MIXING = "conferences only mix audio: leave it out, or say MIX"
_QUALITY = "the quality of the line is not measured: leave it out"
_VIDEO = "there is no video: leave it out"
_VOICE = "a voice is its name alone: `voice`, such as 'en-us+f3' for espeak-ng, or a voice_id of ElevenLabs"
_MENU = "write menus with call.say, call.handleTones and CallEvents.ToneReceived"
_STORAGE = "sessions share no storage: keep it in a file or a database of your own"
_LOADING = "there is nothing to load: write `from voxrun import ElevenLabs` at the top"
_SERVICE = "the one such service yet is ElevenLabs; a server of your own is reached by VoxEngine.createWebSocket"
_LOCAL = "a recording is a local file, which nobody deletes and no link leads to: leave it out"
_FORMAT = "the end of `name` says the format: wav, flac, ogg or mp3"
_TRANSCRIPTS = "recordings are not recognised, `transcribe` writes down events: leave it out"

_NAMES = {
    **_each("callPSTN callSIP callUser callUserDirect callConference callWhatsappUser easyProcess", _OUTBOUND),
    **_each("forwardCallToPSTN forwardCallToSIP forwardCallToUser forwardCallToUserDirect answerDirect", _OUTBOUND),
    **_each("Ringing Forwarding", _OUTBOUND),
    **_each("createASR ASR ASREvents ASRProfileList ASRModelList ASRDictionary", _RECOGNITION),
    **_each("AMD ToneDetected BeepDetectionComplete BeepDetectionError", _MACHINES),
    **_each("enableBeepDetection disableBeepDetection", _MACHINES),
    **_each(
        "sendMessage", "an agent has userMessage and contextualUpdate, a WebSocket send; a caller takes no messages"
    ),
    **_each("MessageReceived handleMicStatus MicStatusChange PushSent", _CLIENT),
    **_each("transferTo TransferComplete TransferFailed handleBlindTransfer notifyBlindTransferSuccess", _SIP),
    **_each("notifyBlindTransferFailed BlindTransferRequested sendInfo InfoReceived OnHold OffHold", _SIP),
    **_each("ReInviteAccepted ReInviteReceived ReInviteRejected", _SIP),
    **_each("enqueueACDRequest enqueueTask CallList PhoneNumber MeasurementProtocol", _PLATFORM),
    **_each("AudioIdentificationStarted AudioIdentificationResult AudioIdentificationStopped", _PLATFORM),
    **_each("AudioIdentificationError", _PLATFORM),
    **_each("RichContentButtonAction AI Avatar", _BOTS),
    **_each("OpenAI Gemini Ultravox Cartesia Yandex", _SERVICE),
    **_each("FORWARD EndpointManaged manageEndpoint", _MIXING),
    **_each("AudioQualityDetected CallAudioQuality", _QUALITY),
    **_each("createStreamingAgent VideoTrackCreated FirstVideoPacketReceived", _VIDEO),
    **_each("Language VoiceList Voice TTSOptions TTSEffectsProfile", _VOICE),
    **_each("IVR IVRState IVRPrompt IVRSettings", _MENU),
    **_each("RecordExpireTime", _LOCAL),
    **_each("TranscriptionProvider", _TRANSCRIPTS),
    **_each("ConferenceRecorder", "a Recorder records a conference as any unit: `conference.sendMediaTo(recorder)`"),
    **_each("startEarlyMedia", "there is no early media yet: play and say when CallEvents.Connected has fired"),
    **_each("playSoundAndHangup", "play with createURLPlayer, and hang up when PlaybackFinished fires"),
    **_each("StateChanged", "`call.state()` tells"),
    **_each("Statistics", "the trace has the counters: run it with --trace"),
    **_each("clientType", "all callers are of one kind here: leave it out"),
    **_each("vad", "no unit detects voices yet: an agent tells by AgentsEvents.VadScore"),
    **_each("hideTones", "the log has no tones, and the trace tells them all: leave it out"),
    **_each("getId", "`id()` tells"),
    **_each("DTMFType", "all tones come as telephone events: leave it out"),
    **_each("URLPlayerRequestMethod", "write 'GET' or 'POST'"),
    **_each("BasePlayer", "each player is of a class of its own: Player, SequencePlayer, ElevenLabs.RealtimeTTSPlayer"),
}

_REQUIRED = _each("AgentsEvents ConversationalAIEvents", "write `ElevenLabs.AgentsEvents`")
"""Names that `require ElevenLabs` brings into `.vox` scenarios alone."""

_IN_PYTHON = {
    **_each("sendMail sendMailAsync", "use Python's smtplib, by `await trio.to_thread.run_sync(…)`"),
    **_each("ApplicationStorage", _STORAGE),
    **_each("require Modules", _LOADING),
    **_each("Crypto", "use Python's hashlib and hmac"),
    **_each("JSON", "use Python's json: `json.loads(text)`, `json.dumps(value)`"),
    **_each("console", "write `Logger.write(message)`"),
    **_each("uuidgen", "use Python's uuid: `str(uuid.uuid4())`"),
    **_each("base64_encode base64_decode", "use Python's base64: `b64encode(data)`, `b64decode(text)`"),
    **_each("str2bytes bytes2str", "use Python's `text.encode()` and `data.decode()`"),
    **_each("bytes2hex hex2bytes", "use Python's `data.hex()` and `bytes.fromhex(text)`"),
    **_each("getLocalTime", "use Python's `datetime.now(ZoneInfo(name))`"),
    **_each("levenshtein_distance", "Python's difflib compares texts"),
    **_each("toString", "use Python's `repr(…)`"),
}

_JAVASCRIPT = {
    **_each("null undefined", "in Python it is None"),
    **_each("true", "in Python it is True"),
    **_each("false", "in Python it is False"),
    **_each("NaN Infinity", "in Python it is `float('nan')` or `float('inf')`"),
    **_each("parseInt", "use Python's `int(text)`"),
    **_each("parseFloat Number", "use Python's `float(text)`"),
    **_each("String", "use Python's `str(value)`"),
    **_each("Math", "use Python's math, `min`, `max` and `round`"),
    **_each("Date", "use Python's datetime"),
    **_each("Promise", "scenarios run on trio: `async with trio.open_nursery() as nursery` waits for several things"),
    **_each("RegExp", "use Python's re"),
    **_each("this", "a Python function has none: give what it needs by name"),
}

_PARAMETERS = {
    **_each("ttsOptions request", _VOICE),
    **_each("language", "a voice speaks its own language, and no recording is recognised: leave it out"),
    **_each("format lossless", _FORMAT),
    **_each("secure expire", _LOCAL),
    **_each("provider dict labels", _TRANSCRIPTS),
    **_each("video videoParameters", _VIDEO),
    **_each("recordNamePrefix", "`name` is the whole path of the file"),
    **_each("hd_audio", "a call is recorded at its own rate: leave it out"),
    **_each("hideHeaders hideBody", "requests are in no log: leave it out"),
}


def absent(name: str) -> str:
    """What to do without VoxEngine's function, class, event or member `name`; empty when VoxEngine has none either."""
    return _NAMES.get(name, "") or _IN_PYTHON.get(name, "")


def absent_in_python(name: str) -> str:
    """The same for a name that nothing in a Python scenario has, JavaScript's included."""
    return absent(name) or _JAVASCRIPT.get(name, "") or _REQUIRED.get(name, "")


def absent_in_language(name: str) -> str:
    """The same for a `.vox` scenario, which has nothing of Python's."""
    return "write this scenario in Python, which has its own for it" if name in _IN_PYTHON else _NAMES.get(name, "")


def absent_parameter(name: str) -> str:
    """The same of a parameter that VoxEngine takes in an object, and voxrun does not."""
    return _PARAMETERS.get(name, "")
