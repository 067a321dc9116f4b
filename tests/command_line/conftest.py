import pytest

from alberta_framework.command_line import progress

from .daemons import Served


@pytest.fixture(autouse=True)
def no_lines_of_progress(monkeypatch):
    """However long a run takes: what it says besides is what tests look at."""
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", float("inf"))


@pytest.fixture
def serve(tmp_path):
    """Starts daemons in the test's folder, and ends those that still run."""
    started = []

    def start(*arguments, **options):
        started.append(Served(tmp_path, *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A daemon without a checkpoint, for all tests that leave it running."""
    served = Served(tmp_path_factory.mktemp("shared"))
    yield served
    served.stop()
