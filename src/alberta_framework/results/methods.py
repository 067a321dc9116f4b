"""Any result, or any results by name, as the methods whose runs they hold."""

from collections.abc import Mapping
from typing import Any, Protocol

from .aggregated import AggregatedResults


class Labelled(Protocol):
    """A result that tells whose runs it holds, with their labels."""

    def aggregated(self) -> Mapping[str, AggregatedResults]:
        """The runs of each method by its name."""
        ...


Results = Labelled | Mapping[str, Labelled]


def methods_of(results: Results) -> dict[str, AggregatedResults]:
    """The runs of each method by its name.

    **Arguments:** `results`: what holds runs, as the result of a sweep, a comparison or of lives
    side by side; or such results by name. One that holds a single method has the name itself, the
    methods of another follow it after a colon.

    **Raises:** `TypeError` for what holds no runs.
    """
    if not isinstance(results, Mapping):
        return dict(_aggregated("results", results))
    found: dict[str, AggregatedResults] = {}
    for name, result in results.items():
        methods = _aggregated(f"results[{name!r}]", result)
        for own, runs in methods.items():
            found[name if len(methods) == 1 else f"{name}: {own}"] = runs
    return found


def method_of(results: Labelled) -> AggregatedResults:
    """The runs of the one method that a result holds; `ValueError` that names them if several."""
    methods = methods_of(results)
    if len(methods) != 1:
        raise ValueError(
            f"`results` must hold one method, got {len(methods)}: {', '.join(methods)}; take one "
            "of `results.aggregated()`."
        )
    return next(iter(methods.values()))


def _aggregated(what: str, result: Any) -> Mapping[str, AggregatedResults]:
    told = getattr(result, "aggregated", None)
    if not callable(told):
        raise TypeError(
            f"`{what}` must be what a sweep, a comparison, `run_multi_seed_experiment` or "
            f"`interact_batched` gives, or such by name, got {type(result).__name__}."
        )
    methods: Any = told()
    return methods
