"""The package `gymnasium`, imported when first used."""

from typing import Any


def gymnasium_package() -> Any:
    """The package; an `ImportError` that names the extra where it cannot be imported."""
    try:
        import gymnasium
    except ImportError as error:
        raise ImportError(
            "`gymnasium` cannot be imported. It comes with the gymnasium extra: "
            "pip install 'alberta_framework[gymnasium]'",
            name="gymnasium",
        ) from error
    return gymnasium
