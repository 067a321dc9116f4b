"""Every check of the project; continuous integration calls these sessions and nothing else."""

import os
import re
import shutil
import subprocess

import nox

nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"  # an interpreter that is missing is skipped with a message
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "lowest", "tests", "docs"]

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
OLDEST = PROJECT["requires-python"].removeprefix(">=")
EXTRAS = ("analysis", "digits", "gymnasium", "optax", "orbax", "system")
ADAPTERS = ("gymnax", "foragax", "octax", "brax", "craftax", "navix", "playground")
BESIDES = {"gymnax": ("minatar",)}  # the original games, to compare with
PARALLEL = ("-n", "2", "--dist", "worksteal", "-q", "--durations=10")
MARKED = (*PARALLEL, "-m", "versions")
SLOW, ALL_BUT_SLOW = (*PARALLEL, "-m", "slow"), (*PARALLEL, "-m", "not slow")
# Of all Pythons but the newest: the laws that a version of Python could break.
SOME_LAWS = (
    *PARALLEL,
    *(f"tests/laws/test_{name}.py" for name in ("classes", "configs", "contract", "late_imports")),
)
# Old releases warn of what newer ones of their own dependencies do: no news.
OLD_NEWS = [f"ignore::{kind}Warning" for kind in ("Deprecation", "PendingDeprecation", "Future")]


def pythons() -> list[str]:
    """The versions of Python that the project runs on and this machine has, the newest last."""
    first = int(OLDEST.removeprefix("3."))
    # pyenv has a `python3.12` for every 3.12 installed, which runs only if one is chosen.
    if shutil.which("pyenv"):
        told = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True)
        installed = re.findall(r"^3\.(\d+)\.(\d+)$", told.stdout, re.MULTILINE)
        newest_first = sorted(
            ((int(minor), int(patch)) for minor, patch in installed), reverse=True
        )
        chosen = [f"3.{minor}.{patch}" for minor, patch in newest_first if minor >= first]
        os.environ["PYENV_VERSION"] = ":".join([*chosen, "system"])
    return [f"3.{minor}" for minor in range(first, first + 20) if _runs(f"python3.{minor}")]


def _runs(python: str) -> bool:
    found = shutil.which(python)
    return bool(found) and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0


def floors() -> list[str]:
    """The dependencies of the package and its extras, each the oldest that is allowed."""
    extras = PROJECT["optional-dependencies"]
    allowed = [*PROJECT["dependencies"], *(one for name in EXTRAS for one in extras[name])]
    return [requirement.replace(">=", "==") for requirement in allowed]


PYTHONS = pythons() or [OLDEST]


def adapter_jobs() -> list[tuple[str, str]]:
    """A version of Python and an extra for each adapter: the oldest that installs its package."""
    younger = {"navix": "3.12"}
    return [(younger.get(extra, OLDEST), extra) for extra in ADAPTERS]


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    session.install("ruff>=0.6")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """pyright in basic mode."""
    session.install("-e", f".[{','.join(EXTRAS)}]", "pyright[nodejs]>=1.1.380")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests but the slow ones on the newest Python, and on the others some of the laws over
    every class; `lowest` runs more on the oldest one.

    With the newest releases of all dependencies, whose warnings are errors. Arguments take the
    place of pytest's: `nox -s tests-3.13 -- -n 4 -k idbd`.
    """
    session.install("-e", ".[dev]")
    chosen = ALL_BUT_SLOW if session.python == PYTHONS[-1] else SOME_LAWS
    session.run("pytest", *(session.posargs or chosen))


@nox.session(python=PYTHONS[-1])
def slow(session: nox.Session) -> None:
    """The slow tests: long lives, kills by the dozen, whole experiments, examples."""
    session.install("-e", ".[dev]")
    session.run("pytest", *(session.posargs or SLOW))


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """The tests marked `versions` on the oldest Python and dependencies that are allowed."""
    session.install("-e", ".[dev]", *floors())
    ignored = [option for one in OLD_NEWS for option in ("-W", one)]
    environment = {"PYTHONWARNINGS": ",".join(OLD_NEWS)}  # of the processes that tests start
    session.run("pytest", *ignored, *(session.posargs or MARKED), env=environment)


@nox.session
@nox.parametrize("python, extra", [nox.param(*job, id=job[1]) for job in adapter_jobs()])
def adapters(session: nox.Session, extra: str) -> None:
    """The tests of the adapter to one package, with the newest dependencies that it allows."""
    session.install("-e", f".[dev,{extra}]", *BESIDES.get(extra, ()))
    folder = "tests/environments/adapters"
    session.run("pytest", "-q", folder, *session.posargs, env={"ALBERTA_ADAPTER": extra})


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """The tests marked `versions` with releases that are still to come."""
    session.install("--pre", "-e", ".[dev]")
    session.run("pytest", *(session.posargs or MARKED))


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
    """Run every published result again and write docs/reproductions.md.

    With `-- --long` those too that take an hour or two, else their sections stay as they are.
    """
    session.install("-e", ".[analysis,digits,gymnasium,orbax]")
    session.run("python", "examples/reproductions/build_page.py", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the README's experiment."""
    session.install("-e", ".")
    session.run("alberta", "run", *(session.posargs or ["sutton1992-experiment-1"]))
