import pytest

from .daemons import Served


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Where processes keep their compiled programs for one another."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def serve(tmp_path, compiled):
    """Starts daemons in the test's folder, and ends those that still run."""
    started = []

    def start(*arguments, **options):
        started.append(Served(tmp_path, *arguments, cache=compiled, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def shared(tmp_path_factory, compiled):
    """A daemon without a checkpoint, for all tests that leave it running."""
    served = Served(tmp_path_factory.mktemp("shared"), cache=compiled)
    yield served
    served.stop()
