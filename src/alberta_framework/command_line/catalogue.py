"""The experiments that come with the package, and those in a user's files."""

import difflib
import importlib.resources
import json
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from .problems import UsageProblem, reason

_SUFFIXES = (".toml", ".json")


def built_in() -> dict[str, dict[str, Any]]:
    """The configurations of the built-in experiments by name, in the order of their names."""
    folder = importlib.resources.files("alberta_framework.command_line") / "built_in"
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    return {
        file.name.removesuffix(".toml"): parsed(file)
        for file in sorted(files, key=lambda file: file.name)
    }


def experiment(source: str) -> tuple[str, dict[str, Any]]:
    """The name and the configuration of a built-in experiment, or of a file.

    **Raises:** `UsageProblem` for an unknown name (telling the nearest and all), and for a file
    that cannot be read or parsed.
    """
    path = Path(source)
    if path.suffix in _SUFFIXES:
        config = parsed(path)
        name = config.get("name")
        return (name if isinstance(name, str) and name else path.stem), config
    known = built_in()
    if source in known:
        return source, known[source]
    if path.exists():
        raise UsageProblem(f"{source}: must be a .toml or .json file.")
    near = difflib.get_close_matches(source, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageProblem(
        f"no experiment is called {source!r}.{hint} Built in: {', '.join(known)}; "
        "or name a .toml file."
    )


def parsed(file: Path | Traversable) -> dict[str, Any]:
    """The table in a .toml or .json file.

    **Raises:** `UsageProblem` if it cannot be read or parsed.
    """
    try:
        text = file.read_text(encoding="utf-8")
        config = json.loads(text) if file.name.endswith(".json") else tomllib.loads(text)
    except OSError as error:
        raise UsageProblem(f"cannot read {str(file)!r}: {reason(error)}.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{file}: is not UTF-8 text (byte {error.start}).") from error
    except RecursionError:
        raise UsageProblem(f"{file}: is nested too deeply.") from None
    except ValueError as error:  # of either parser; the message tells line and column
        raise UsageProblem(f"{file}: {error}.") from error
    if not isinstance(config, dict):
        raise UsageProblem(f"{file}: must hold a table of keys.")
    return config
