"""Reading a trace: its lines as records, or a message that names the line that is none.

A trace has one JSON object a line: `{"t": seconds since the session began, "kind": …, …}`. The first tells `format`.
"""

import json
from collections.abc import Iterable

from voxrun.errors import ConfigurationError
from voxrun.trace.words import Record, description_of

FORMAT = 1
"""Of what is written, and the newest that is understood. New kinds and fields don't change it, new meanings do."""

LATEST = 1e9
"""Seconds, 30 years: a file that says more is damaged."""

_LONGEST_CALL = 1e6
"""Seconds, 11 days: there is memory for a level every 20 ms until then."""


def read_records(lines: Iterable[str], name: str) -> list[Record]:
    """The records in the lines of the file `name`, the first included. ConfigurationError names the line at fault.

    A last line without its end, as a killed process leaves it, is left out.
    """
    records: list[Record] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            wrong = _fault(record, number)
        except RecursionError:
            wrong = "goes too deep"
        except ValueError as error:
            if not line.endswith("\n") and number > 1:
                break
            wrong = f"is no JSON ({error})"
        if wrong:
            raise ConfigurationError(f"{name}, line {number}: {wrong}")
        records.append(record)
    if not records:
        raise ConfigurationError(f"{name} is empty: `voxrun SCENARIO --trace {name}` writes a trace")
    return records


def _fault(record: object, number: int) -> str:
    """What is wrong with a record, as the end of a sentence; nothing when it is right."""
    if not isinstance(record, dict):
        return "is no JSON object"
    if isinstance(record.get("t"), bool) or not isinstance(record.get("t"), int | float):
        return 'has no time "t"'
    if not abs(record["t"]) < LATEST:  # nor is it "not a number"
        return 'has a time "t" that can\'t be'
    if not isinstance(record.get("kind"), str):
        return 'has no "kind"'
    if number > 1 and record["kind"] == "session":
        return "begins another session: put what comes before it into a file of its own"
    if number == 1 and record["kind"] != "session":
        return 'is no beginning of a trace, which would be of the kind "session"'
    if number == 1 and not (isinstance(record.get("format"), int) and record["format"] <= FORMAT):
        return f"has the format {record.get('format')!r}; this voxrun knows {FORMAT}: a newer one may read it"
    try:
        if record["kind"] == "level":
            _check_level(record)
        description_of(record)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        return f"lacks what a record of the kind {record['kind']!r} has ({type(error).__name__}: {error})"
    return ""


def _check_level(record: Record) -> None:
    """ValueError or the like unless it has a unit, and as many levels, in dBFS, of either direction."""
    _ = record["unit"]
    if not abs(record["began"]) < _LONGEST_CALL:
        raise ValueError("began when it can't have")
    _ = [float(seconds) for seconds in dict(record["waiting"]).values()]
    directions = [[int(level) for level in record[name]] for name in ("said", "heard")]
    if len(directions[0]) != len(directions[1]) or any(not -128 <= level <= 0 for way in directions for level in way):
        raise ValueError("levels are two lists of equal length, from -128 to 0")
