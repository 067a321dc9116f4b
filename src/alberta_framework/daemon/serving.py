"""Serving events: from standard input, or from the clients of a Unix socket."""

import contextlib
import os
import select
import socket
import socketserver
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 20

# What answers the line of a number with a line.
Answer = Callable[[bytes, int], bytes]


class Stop:
    """Asks those who serve to stop, from a signal handler or another thread."""

    def __init__(self):
        self.asked = threading.Event()
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)

    def ask(self) -> None:
        self.asked.set()
        with contextlib.suppress(OSError):  # full: it was asked for before
            os.write(self._write_end, b"!")

    def wait_for_input(self, descriptor: int) -> bool:
        """Wait until something can be read; False if a stop was asked for."""
        readable, _, _ = select.select([descriptor, self._read_end], [], [])
        return self._read_end not in readable

    def wait(self) -> None:
        select.select([self._read_end], [], [])


def serve_stream(source: int, sink: int, answer: Answer, stop: Stop) -> None:
    """Answer each line of the file descriptor `source` on `sink`, until it ends or a stop.

    Each answer is written before the next line is read. Empty lines are passed over. A reader that
    went away ends it too.
    """
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for number, line in enumerate(_lines(source, stop), 1):
            if line.strip():
                _write(sink, answer(line, number))


def serve_socket(path: Path, answer: Answer, stop: Stop) -> None:
    """Answer the lines of all clients of a Unix socket, one line at a time, until a stop.

    The socket has mode 0600, and is removed at the end; one that a dead process left is replaced.

    **Raises:** `OSError` if the socket cannot be made, or another process serves it.
    """
    _remove_stale(path)
    turn = threading.Lock()

    def in_turn(line: bytes, number: int) -> bytes:
        with turn:
            return answer(line, number)

    class Client(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            descriptor = self.request.fileno()
            serve_stream(descriptor, descriptor, in_turn, stop)

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    mask = os.umask(0o177)
    try:
        server = Server(str(path), Client)
    finally:
        os.umask(mask)
    with server:
        thread = threading.Thread(target=server.serve_forever, name="alberta-socket", daemon=True)
        thread.start()
        try:
            stop.wait()
        finally:
            server.shutdown()
            with contextlib.suppress(OSError):
                path.unlink()
    with turn:  # the event that is being answered is finished
        pass


def _lines(source: int, stop: Stop) -> Iterator[bytes]:
    """The lines of a descriptor; of a line that is too long, only so much that it is refused."""
    kept, too_long = b"", False
    while not stop.asked.is_set():
        if not stop.wait_for_input(source):
            return
        chunk = os.read(source, _CHUNK)
        *lines, kept = (kept + chunk).split(b"\n")
        for line in lines:
            if stop.asked.is_set():
                return
            yield b"[too long]" if too_long or len(line) > _LONGEST_LINE else line
            too_long = False
        if len(kept) > _LONGEST_LINE:
            kept, too_long = b"", True
        if not chunk:
            if kept or too_long:
                yield b"[too long]" if too_long else kept
            return


def _write(sink: int, data: bytes) -> None:
    while data:
        data = data[os.write(sink, data) :]


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
