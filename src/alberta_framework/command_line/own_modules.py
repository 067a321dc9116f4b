"""Modules of a user's own, imported so that files can name their classes."""

import contextlib
import importlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .problems import UsageProblem

KEY = "import"


def with_own_modules(
    config: dict[str, Any], source: str, folder: Path | None, named: Sequence[str] = ()
) -> dict[str, Any]:
    """Import what the key `import` of a configuration names, then `named`; the configuration
    without the key.

    Modules are looked for in the folder of the file, in the current one, and where Python looks.

    **Arguments:** `source`: what the configuration is called in errors; `folder`: of its file.

    **Raises:** `UsageProblem` for a name that is none, a module that is not found, and one that
    fails.
    """
    listed = config.get(KEY, [])
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise UsageProblem(
            f"{source}: {KEY}: must be a list of names of modules, as "
            f'["my_module"], got {listed!r:.80}.'
        )
    for name in listed:
        import_own(name, f"{source}: {KEY}", folder)
    for name in named:
        import_own(name, f"--{KEY}", folder)
    return {key: value for key, value in config.items() if key != KEY}


def import_own(name: str, where: str, folder: Path | None = None) -> None:
    """Import one module, whose classes then have a configuration.

    **Raises:** as `with_own_modules`; `where` begins the message.
    """
    if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
        stem = Path(name).stem
        hint = f"; name it as Python imports it: {stem}" if stem.isidentifier() else ""
        raise UsageProblem(f"{where}: {name!r} is no name of a module{hint}.")
    places = list(dict.fromkeys(str(p.absolute()) for p in (folder, Path.cwd()) if p is not None))
    with _found_first(places):
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise _failed(name, where, error) from error
            told = " or ".join(repr(place) for place in places)
            raise UsageProblem(
                f"{where}: no module {name!r} is found in {told}, nor is one installed."
            ) from error
        except (Exception, SystemExit) as error:  # whatever a module of the user's does
            raise _failed(name, where, error) from error
    _require_the_one_meant(name, where, found, places)


def _failed(name: str, where: str, error: BaseException) -> UsageProblem:
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "importlib" not in f.filename and f.filename != __file__]
    at = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError):
        at = ""  # its message tells
    return UsageProblem(f"{where}: {name!r} cannot be imported: {_told(error)}{at}.")


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")


def _require_the_one_meant(name: str, where: str, found: Any, places: list[str]) -> None:
    """A module that was loaded before, as one of Python's own, hides a file of the same name."""
    file, parts = getattr(found, "__file__", None), name.split(".")
    for place in places:
        module = Path(place, *parts)
        meant = [m for m in (module.with_suffix(".py"), module / "__init__.py") if m.is_file()]
        if not meant:
            continue
        if file is None or not meant[0].samefile(file):
            raise UsageProblem(
                f"{where}: {str(meant[0])!r} is hidden by another module that is called {name!r}; "
                "give it another name."
            )
        return


@contextlib.contextmanager
def _found_first(places: list[str]) -> Iterator[None]:
    """Look in these folders before all others; afterwards, for what modules import late, after all
    others, so that no file in them hides a module that the library imports late."""
    sys.path[:0] = places
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for place in places:
            sys.path.remove(place)
        sys.path.extend(place for place in places if place not in sys.path)
