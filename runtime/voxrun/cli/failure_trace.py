"""What a session that failed leaves behind when nobody asked for a trace: the newest records, in a temporary file."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import mkstemp

from voxrun.cli.output import complain
from voxrun.session.session import Session


def keep_trace(session: Session, scenario: Path) -> None:
    """Write what the session remembers into a new file that only this user can read, and tell where it is.

    A scenario to which nothing happened yet, as it could not be loaded, leaves nothing.
    """
    lines = session.trace_log.lines()
    if not any('"kind":"event"' in line for line in lines):
        return
    try:
        descriptor, path = mkstemp(prefix=f"voxrun-{scenario.stem}-", suffix=".jsonl")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        complain(f"voxrun: the trace could not be kept: {error.strerror}")
        return
    shown = subprocess.list2cmdline([path]) if sys.platform == "win32" else shlex.quote(path)
    complain(f"voxrun: see what led to this: voxrun trace {shown}")
