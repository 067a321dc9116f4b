"""Every learner and agent whose state is saved, with the shapes of that state."""

import equinox as eqx
import jax
import pytest

from tests.horde import cases as horde_cases
from tests.learners import cases, network_cases
from tests.normalizers import cases as normalizer_cases
from tests.optimizers import cases as optimizer_cases

KEY = jax.random.key(0)
OPTIMIZERS = [optimizer_cases.Case(kind, {}) for kind in ("LMS", "IDBD", "Autostep")]
NORMALIZERS = [None, *normalizer_cases.KINDS]


def _row(name, learner, *arguments):
    return pytest.param(learner, arguments, id=name)


def _supervised():
    """A bounder has no state, so that without one nothing is missed."""
    for case in [*cases.LINEAR, *cases.TD]:
        if case.bounder is None:
            yield _row(f"{case.build().__class__.__name__}-{case}", case.build(), cases.DIM)
    networks = [*network_cases.MLP, *network_cases.MULTI_HEAD]
    shapes = [*network_cases.MLP_SHAPES, *network_cases.MULTI_HEAD_SHAPES]
    for case in [*(case for case in networks if case.bounder is None), *shapes]:
        yield _row(str(case), case.build(), network_cases.DIM, KEY)


def _with_demons():
    for optimizer in OPTIMIZERS:
        for normalizer in NORMALIZERS:
            parts = {
                "optimizer": optimizer.build(),
                "normalizer": normalizer and normalizer.build(),
            }
            name = f"{optimizer}+{normalizer}"
            yield _row(f"horde-{name}", horde_cases.horde(**parts), horde_cases.DIM, KEY)
            yield _row(f"sarsa-{name}", horde_cases.agent(**parts), horde_cases.DIM, KEY)
    yield _row("sarsa-alone", horde_cases.agent(demons=()), horde_cases.DIM, KEY)


ROWS = [*_supervised(), *_with_demons()]
# One of each class, with every part.
FULL = [
    _row("linear", cases.FULL.build(), cases.DIM),
    _row("td", cases.FULL_TD.build(), cases.DIM),
    _row("mlp", network_cases.FULL.build(), network_cases.DIM, KEY),
    _row("multi-head", network_cases.FULL_MULTI_HEAD.build(), network_cases.DIM, KEY),
    _row("horde", horde_cases.horde(), horde_cases.DIM, KEY),
    _row("sarsa", horde_cases.agent(), horde_cases.DIM, KEY),
]


def shapes(learner, arguments):
    """The template of a state, without computing one."""
    return eqx.filter_eval_shape(learner.init, *arguments)


def batched(shapes, *lanes):
    """The same with axes for lanes in front."""

    def with_lanes(leaf):
        return jax.ShapeDtypeStruct((*lanes, *leaf.shape), leaf.dtype)

    return jax.tree.map(with_lanes, shapes)
