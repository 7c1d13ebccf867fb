"""A socket for RTP, on loopback."""

import pytest
import trio

from voxrun.errors import ConfigurationError
from voxrun.transports.rtp_socket import RtpSocket


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_all_that_came_is_taken_at_once_with_where_it_came_from(host: str) -> None:
    async def main() -> None:
        one, two = RtpSocket(host, 0), RtpSocket(host, 0)
        datagrams = [bytes([number]) * 100 for number in range(50)]
        for datagram in datagrams:
            one.send(datagram, two.local)
        with trio.fail_after(5):
            assert await two.receive() == [(datagram, one.local) for datagram in datagrams]
        assert one.unsent == 0
        one.close()
        two.close()

    trio.run(main)


def test_what_cannot_be_sent_is_counted() -> None:
    socket = RtpSocket("127.0.0.1", 0)
    socket.send(bytes(70_000), socket.local)
    socket.send(b"", ("255.255.255.255", 9))
    assert socket.unsent == 2
    socket.close()
    socket.close()


def test_a_port_in_use_is_refused() -> None:
    first = RtpSocket("127.0.0.1", 0)
    with pytest.raises(ConfigurationError, match=r"in use\. Choose another address or port"):
        RtpSocket(*first.local)
    first.close()
    RtpSocket(*first.local).close()
