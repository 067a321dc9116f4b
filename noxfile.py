"""Every check of the project; continuous integration calls these sessions and nothing else."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"  # an interpreter that is missing is skipped with a message
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests", "docs"]

PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    session.install("ruff>=0.6")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """pyright in basic mode."""
    session.install("-e", ".[analysis,gymnasium,orbax]", "pyright[nodejs]>=1.1.380")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The whole suite, on two workers unless told otherwise: `nox -s tests -- -n 4 -k idbd`."""
    session.install("-e", ".[dev]")
    session.run("pytest", *(session.posargs or ["-n", "2", "-q", "--durations=10"]))


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, strict."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict")


@nox.session
def bench(session: nox.Session) -> None:
    """Print the tables of `benchmarks/`."""
    session.install("-e", ".[bench]")
    session.run("alberta", "bench", *session.posargs)


@nox.session
def reproduce(session: nox.Session) -> None:
    """Run every published result again and write docs/reproductions.md."""
    session.install("-e", ".[analysis,gymnasium]")
    session.run("python", "examples/reproductions/build_page.py")


@nox.session
def demo(session: nox.Session) -> None:
    """Run the README's experiment."""
    session.install("-e", ".")
    session.run("alberta", "run", *(session.posargs or ["sutton1992-experiment-1"]))
