"""Exit statuses, as `voxrun --help` and the README tell them."""

import pytest

from voxrun.cli.status import status_of
from voxrun.errors import ConfigurationError, DeviceError, LocalProtocolError, RemoteError, ScenarioError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, 0),
        (ScenarioError("x"), 1),
        (LocalProtocolError("x"), 1),
        (ConfigurationError("x"), 2),
        (RemoteError("x", code=1008), 3),
        (DeviceError("x"), 3),
    ],
)
def test_each_error_has_its_status(error: Exception | None, status: int) -> None:
    assert status_of(error) == status
