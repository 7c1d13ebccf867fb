"""Programs that are compiled in parts."""

import time
from pathlib import Path
from types import CodeType

import pytest
from tests.dsl.played import play
from tests.kit import Setting

from voxrun.dsl.compiler import compile_program
from voxrun.dsl.parser import parse, uncollected
from voxrun.dsl.scopes import resolve
from voxrun.dsl.source import Source

FILLER = "fn filler{}(a) {{\n    let count = 0\n    for x in [1, 2, 3] {{ count += x * a }}\n    return count\n}}\n"
PROGRAM = "\n".join(
    [
        "const first = [1]",
        "fn early() { return late() + first[0] }",
        *(FILLER.format(number) for number in range(500)),
        "let sum = 0",
        "for x in [1, 2] { const y = x; first.push(fn () { return y }) }",
        *(f"if true {{ let y = {number}; sum += y }}" for number in range(1000)),
        "fn late() { return sum }",
        "first.push(early())",
        "log filler499(2)",
        "on AppEvents.Started { log [first[1](), first[2](), first[3]]; VoxEngine.terminate() }",
        "",
    ]
)


def test_it_is_one_program_all_the_same(tmp_path: Path) -> None:
    ran = play(tmp_path, PROGRAM)
    assert ran.outcome.error is None
    assert ran.logged == ["12", "[1, 2, 499501]"]


def test_it_is_compiled_in_parts_of_which_none_is_long() -> None:
    source = Source("a.vox", PROGRAM)
    parts = compile_program(parse(source), source, "a.vox", ["AppEvents", "VoxEngine"], {})
    assert len(parts) > 3
    functions = [sum(isinstance(it, CodeType) for it in part.co_consts) for part in parts]
    assert sum(functions) == 500 + len(["early", "late", "fn", "on"])
    assert max(functions) < 200


def test_a_mistake_in_a_late_part_has_its_place(tmp_path: Path) -> None:
    ran = play(tmp_path, PROGRAM + "log any(null).x\nfn any(x) { return x }\n", Setting(stop_after=5.0))
    line = PROGRAM.count("\n") + 1
    assert f"scenario.vox:{line}:" in str(ran.outcome.error)


@pytest.mark.slow
def test_the_same_name_in_many_blocks_costs_no_more_for_each() -> None:
    few, many = (min(seconds_to_resolve(count) for _ in range(5)) for count in (5_000, 20_000))
    assert many < 12 * few


def seconds_to_resolve(blocks: int) -> float:
    """Of CPU; the collector, which would look at all that the tests have, waits."""
    program = parse(Source("a.vox", "if true { let a = 1 }\n" * blocks))
    with uncollected():
        began = time.process_time()
        resolve(program, [], {})
        return time.process_time() - began
