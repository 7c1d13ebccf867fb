"""`voxrun rtp`: what other programs need to know to talk RTP with a call."""

from collections.abc import Sequence

from voxrun.cli.arguments import CommandParser
from voxrun.cli.output import say
from voxrun.cli.status import OK
from voxrun.transports.rtp_session import EXAMPLE, describe_remote, parse_rtp_url

DESCRIPTION = f"""\
Print the SDP with which another program can receive what a call sends, such as

  voxrun rtp --sdp '{EXAMPLE}' > call.sdp
  ffmpeg -protocol_whitelist file,rtp,udp -i call.sdp heard.wav
  voxrun scenario.py --call '{EXAMPLE}'
"""


def rtp(arguments: Sequence[str]) -> int:
    """Print it; returns the exit status. ConfigurationError for a URL that can't be."""
    parser = CommandParser("voxrun rtp", DESCRIPTION)
    parser.add_argument("--sdp", metavar="URL", required=True, help="the URL that --call is given")
    say(describe_remote(parse_rtp_url(parser.parse(arguments).sdp)), end="")
    return OK
