"""Serving events: from standard input, or from the clients of a Unix socket."""

import contextlib
import json
import os
import select
import socket
import socketserver
import stat
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .json_lines import KEPT_OF_A_LONG_LINE, LONGEST_LINE, LongLine

_CHUNK = 1 << 16
# So many clients are answered at a time, and so many wait to be taken.
MOST_CLIENTS, BACKLOG = 64, 128
# As much as never waits once there is room: what select tells of a descriptor that blocks.
_PIECE = getattr(select, "PIPE_BUF", 512)
# How long after a stop a reader may still take what was written for it.
_GRACE_S = 0.5

_NO_ROOM = (
    json.dumps({"id": None, "line": 0, "error": f"client: there are {MOST_CLIENTS} already"}) + "\n"
).encode()

# What answers the line of a number with a line.
Answer = Callable[[bytes, int], bytes]


class Stop:
    """Asks those who serve to stop, from a signal handler or another thread.

    No lock is taken: a second signal may come while the first is being handled.

    `descriptor`: a byte that is written to it asks too. For `signal.set_wakeup_fd`: Python handles
    a signal between two instructions of the main thread, so one that comes right before a wait, or
    to another thread, would be handled after the wait alone, which may have no end.
    """

    def __init__(self):
        self.asked = False
        self._asked_at = 0.0
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        weakref.finalize(self, _close, self._read_end, self._write_end)

    @property
    def descriptor(self) -> int:
        return self._write_end

    def ask(self) -> None:
        if not self.asked:
            self._asked_at, self.asked = time.monotonic(), True
        with contextlib.suppress(OSError):  # full: it was asked for before
            os.write(self._write_end, b"!")

    def wait_for_input(self, descriptor: int) -> bool:
        """Wait until something can be read; False if a stop was asked for."""
        readable, _, _ = select.select([descriptor, self._read_end], [], [])
        if self._read_end in readable:
            self.ask()
            return False
        return True

    def wait_for_room(self, descriptor: int) -> bool:
        """Wait until something can be written; False half a second after a stop was asked for."""
        if not self.asked:
            _, writable, _ = select.select([self._read_end], [descriptor], [])
            if writable:
                return True
            self.ask()
        left = max(0.0, self._asked_at + _GRACE_S - time.monotonic())
        return bool(select.select([], [descriptor], [], left)[1])

    def wait(self) -> None:
        """Wait until a stop was asked for."""
        select.select([self._read_end], [], [])
        self.ask()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@contextlib.contextmanager
def left_in_time(stop: Stop, leave: Callable[[], Any], patience_s: float) -> Iterator[None]:
    """Calls `leave` in another thread if the block goes on for `patience_s` after a stop.

    This thread may compile then, or wait for a terminal, where it looks at nothing.
    """
    ended, end = os.pipe()

    def watch() -> None:
        if not stop.wait_for_input(ended) and not select.select([ended], [], [], patience_s)[0]:
            leave()

    thread = threading.Thread(target=watch, name="alberta-stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(end)
        thread.join()
        os.close(ended)


def serve_stream(source: int, sink: int, answer: Answer, stop: Stop) -> None:
    """Answer each line of the file descriptor `source` on `sink`, until it ends or a stop.

    Each answer is written before the next line is read. Empty lines are passed over. A reader that
    went away ends it too; one that takes nothing is waited for, and no longer than half a second
    once a stop was asked for.
    """
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for number, line in enumerate(_lines(source, stop), 1):
            if line.strip() and not write_all(sink, answer(line, number), stop):
                return


def serve_socket(
    path: Path, connected: Callable[[], Answer], stop: Stop, ready: Callable[[], None]
) -> None:
    """Answer the lines of all clients of a Unix socket, one line at a time, until a stop.

    Each client is answered by an `Answer` of its own, which `connected` makes; `ready` is called
    once clients may come. One more than `MOST_CLIENTS` is told so in a line, and let go. The socket
    has mode 0600, and is removed at the end; one that a dead process left is replaced.

    **Raises:** `OSError` if the socket cannot be made, or another process serves it.
    """
    _remove_stale(path)
    turn, room = threading.Lock(), threading.Semaphore(MOST_CLIENTS)

    class Client(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self._serve()
            finally:
                room.release()

        def _serve(self) -> None:
            answer, descriptor = connected(), self.request.fileno()

            def in_turn(line: bytes, number: int) -> bytes:
                with turn:
                    return answer(line, number)

            serve_stream(descriptor, descriptor, in_turn, stop)

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        request_queue_size = BACKLOG

        def verify_request(self, request: Any, client_address: Any) -> bool:
            del client_address
            if room.acquire(blocking=False):
                return True
            with contextlib.suppress(OSError):  # gone already
                request.setblocking(False)
                request.sendall(_NO_ROOM)
            return False

    mask = os.umask(0o177)
    try:
        server = Server(str(path), Client)
    finally:
        os.umask(mask)
    with server:
        thread = threading.Thread(target=server.serve_forever, name="alberta-socket", daemon=True)
        thread.start()
        try:
            ready()
            stop.wait()
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
            server.shutdown()
    # The event that is being answered is finished; the turn is kept, so that it was the last.
    turn.acquire(timeout=_GRACE_S)


def write_all(sink: int, data: bytes, stop: Stop) -> bool:
    """Write all of `data`; False if a stop left the rest of it unwritten."""
    while data:
        if not stop.wait_for_room(sink):
            return False
        with contextlib.suppress(BlockingIOError):  # another was quicker, or it never blocks
            data = data[os.write(sink, data[:_PIECE]) :]
    return True


def _lines(source: int, stop: Stop) -> Iterator[bytes]:
    """The lines of a descriptor; of a line that is too long, only so much that it is refused."""
    kept, too_long = b"", False
    while not stop.asked:
        if not stop.wait_for_input(source):
            return
        chunk = os.read(source, _CHUNK)
        first, *lines = chunk.split(b"\n")
        first = kept if too_long else kept + first
        for line in (first, *lines)[:-1]:
            if stop.asked:
                return
            yield _shortened(line, too_long)
            too_long = False
        kept = lines[-1] if lines else first
        if len(kept) > LONGEST_LINE:
            kept, too_long = kept[:KEPT_OF_A_LONG_LINE], True
        if not chunk:
            if kept or too_long:
                yield _shortened(kept, too_long)
            return


def _shortened(line: bytes, too_long: bool) -> bytes:
    if too_long or len(line) > LONGEST_LINE:
        return LongLine(line[:KEPT_OF_A_LONG_LINE])
    return line


def _remove_stale(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(f"{path} is there and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
        else:
            raise FileExistsError(f"{path} is served by another process")
