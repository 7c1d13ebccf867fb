"""Parameters that VoxEngine takes as one object: here a mapping, keyword arguments of the same names, or both."""

from collections.abc import Mapping
from typing import Any

from voxrun.errors import ScenarioError
from voxrun.nearest import nearest


def merged(function: str, shape: type, given: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """One dict of `given` and `keywords`, checked against `shape`, a TypedDict.

    ScenarioError for a name that the shape does not have, with the nearest it has, and for a required one that is
    missing.
    """
    values = {**(given or {}), **keywords}
    known = shape.__annotations__
    for name in values:
        if name not in known:
            near = nearest(name, known)
            advice = f"did you mean '{near}'?" if near else f"it has {', '.join(known)}"
            raise ScenarioError(f"{function} has no parameter '{name}'; {advice}")
    required: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
    for name in sorted(required - set(values)):
        raise ScenarioError(f"{function} needs the parameter '{name}'")
    return values
