"""How a host that shares its port with others takes part in it."""

import os
from pathlib import Path
from tempfile import TemporaryFile

import pytest
import trio
from tests.serving.hosted import hosted, written

from voxrun.serving.common_table import CommonTable
from voxrun.serving.host import LONGEST_HESITATION
from voxrun.serving.load import Load


def test_it_leaves_calls_to_those_with_fewer_and_all_of_them_to_who_takes_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", ""), max_calls=9) as host:
            os.truncate(file.fileno(), CommonTable.size(2))
            host.table, other = CommonTable(file.fileno(), 1), CommonTable(file.fileno(), 2)
            other.excess()
            assert host.hesitation() == 0
            host.begin(host.settings.routes.named(""))
            host.begin(host.settings.routes.named(""))
            assert host.hesitation() == 2
            assert [other.take(9) for _ in range(7)] == [True] * 7
            other.excess()
            assert host.hesitation() == 0
            with monkeypatch.context() as overloaded:
                overloaded.setattr(Load, "is_overloaded", True)
                assert host.hesitation() == LONGEST_HESITATION
            assert host.hesitation() == 0
            host.draining = True
            assert host.hesitation() == LONGEST_HESITATION

    with TemporaryFile() as file:
        trio.run(main)
