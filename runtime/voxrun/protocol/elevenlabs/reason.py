"""Why a message was refused, in words that are safe to show and to send."""

# RFC 6455 section 5.5: a control frame holds 125 bytes, of which a close frame's code takes two.
CLOSE_REASON_BYTES = 123


def refusal_reason(error: Exception) -> str:
    """The error's text as at most 123 printable ASCII characters: it may quote what the peer sent."""
    return ascii(str(error))[1:-1][:CLOSE_REASON_BYTES]
