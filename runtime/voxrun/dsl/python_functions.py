"""`Functions`: those of a Python scenario, in the order that they are walked in, and what the API calls each with."""

import ast
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from voxrun.dsl.findings import Findings
from voxrun.dsl.python_arguments import check_takes
from voxrun.dsl.python_names import FunctionNode, Places, PythonScope
from voxrun.dsl.surface import Value


class Functions:
    """Each is given out once all code that may register it was walked: `passed` says which names were come by."""

    def __init__(self, tree: ast.Module, findings: Findings, places: Places) -> None:
        self._findings = findings
        self._places = places
        names = (it for it in ast.walk(tree) if isinstance(it, ast.Name) and isinstance(it.ctx, ast.Load))
        self._read = Counter(it.id for it in names)
        self._unpassed = self._read.copy()
        self._ready: deque[tuple[FunctionNode, PythonScope]] = deque()
        self._waiting: dict[str, list[tuple[FunctionNode, PythonScope]]] = {}
        self._payloads: dict[FunctionNode, list[Value]] = {}

    def __iter__(self) -> Iterator[tuple[FunctionNode, PythonScope]]:
        """Those that were met, also meanwhile, with the scopes that they are in."""
        while self._ready or self._waiting:
            if not self._ready:  # they call one another
                self._ready.extend(self._waiting.pop(next(iter(self._waiting))))
            yield self._ready.popleft()

    def met(self, node: FunctionNode, scope: PythonScope) -> None:
        """Here is one."""
        if isinstance(node, ast.Lambda) or not self._unpassed[node.name]:
            self._ready.append((node, scope))
        else:
            self._waiting.setdefault(node.name, []).append((node, scope))

    def passed(self, name: str) -> None:
        """It was read, and whatever that means for a function of this name is known."""
        self._unpassed[name] -= 1
        if not self._unpassed[name]:
            self._ready.extend(self._waiting.pop(name, ()))

    def register(self, node: FunctionNode, payloads: Iterable[Value]) -> None:
        """It is a handler of the events that carry them, or called with one of them."""
        self._payloads.setdefault(node, []).extend(payloads)

    def payloads(self, node: FunctionNode, outer: PythonScope) -> list[Value]:
        """What it is called with first; nothing when that may be something else as well."""
        payloads = self._payloads.get(node, [])
        if not isinstance(node, ast.Lambda):
            calls = outer.called.get(node.name, []) if outer.bound[node.name] == 1 else []
            for arguments in () if node.decorator_list else calls:
                payloads = [*payloads, *arguments[:1]]
                check_takes(self._findings, self._places, node, len(arguments))
            if self._read[node.name] > (0 if node.decorator_list else len(calls)):
                return []  # the scenario calls it, or gives it to who knows whom
        return payloads if all(it.kinds for it in payloads) else []
