"""What a service manager is told: that it is ready, and that it stops."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Tell systemd, as `sd_notify` does; nothing where nobody listens (`NOTIFY_SOCKET`)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    if address.startswith("@"):  # an abstract one
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError),  # it is gone: nobody is to be told
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to,
    ):
        to.setblocking(False)
        to.sendto(state.encode(), address)
