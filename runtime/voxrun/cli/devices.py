"""`voxrun devices`: the microphones and speakers of this machine, and which of them a call uses."""

from collections.abc import Sequence

from voxrun.cli.arguments import CommandParser
from voxrun.cli.output import say
from voxrun.cli.status import OK
from voxrun.trace.words import visible
from voxrun.transports.sound.port_audio import NOUNS, all_devices, default_device, load_library


def devices(arguments: Sequence[str]) -> int:
    """List them, `*` before what is used; returns the exit status. ConfigurationError without PortAudio."""
    CommandParser("voxrun devices", __doc__).parse(arguments)
    library = load_library()
    for kind, noun in NOUNS.items():
        used = default_device(library, kind)
        say(f"{noun}s" if used else f"no {noun}")
        for device in all_devices(library, kind):
            mark = "*" if device == used else " "
            say(f"{mark} {visible(device.name)}, {device.rate} Hz")
    return OK
