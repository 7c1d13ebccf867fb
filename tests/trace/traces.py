"""Records written by hand, for what no call does on purpose."""

from typing import Any

Record = dict[str, Any]

HEAD: Record = {"t": 0.0, "kind": "session", "format": 1, "scenario": "scenarios/hello.py", "session": "1f"}


def level(began: float, said: list[int], heard: list[int], **waiting: float) -> Record:
    """What a call tells every five seconds."""
    end = began + len(said) * 0.02
    levels = {"unit": "call-1", "began": began, "said": said, "heard": heard}
    return {"t": end, "kind": "level", **levels, "waiting": waiting, "samples_too_many": 0}


def event(time: float, name: str, **payload: object) -> Record:
    """An event of the agent's."""
    return {"t": time, "kind": "event", "unit": "agent-1", "name": name, "payload": {"name": name, "data": payload}}


def route(time: float, source: str, sink: str, change: str = "connect") -> Record:
    """A route that comes or goes."""
    return {"t": time, "kind": "route", "change": change, "source": source, "sink": sink}
