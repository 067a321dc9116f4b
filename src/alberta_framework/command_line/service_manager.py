"""What a service manager is told: that it is ready, and that it stops."""

import contextlib
import os
import socket

from .problems import UsageProblem, reason


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


def require_descriptor(option: str, descriptor: int) -> None:
    """Check that whoever started this process left it that descriptor.

    **Raises:** `UsageProblem`.
    """
    try:
        os.fstat(descriptor)
    except OSError as error:
        raise UsageProblem(
            f"{option}: {descriptor} is no open descriptor: {reason(error)}."
        ) from error


def tell_ready(descriptor: int) -> None:
    """Write a line to the descriptor, and close it."""
    with contextlib.suppress(OSError):  # nobody reads any more: nobody is to be told
        os.write(descriptor, b"ready\n")
    with contextlib.suppress(OSError):
        os.close(descriptor)
