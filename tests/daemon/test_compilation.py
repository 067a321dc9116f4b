"""All is compiled when the daemon is made; no event compiles, of whatever kind its numbers are."""

import decimal
import fractions

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.event_features.cases import drawn

from . import agents, test_event_rows
from .daemons import LEARNERS, daemon, events, kept, same_but_for_clocks

KINDS = {
    "float32": lambda row: np.asarray(row, np.float32),
    "float64": lambda row: np.asarray(row, np.float64),
    "float16": lambda row: np.asarray(row, np.float16),
    "integers": lambda row: np.round(np.nan_to_num(row)).astype(np.int64),
    "bytes": lambda row: np.abs(np.nan_to_num(row)).astype(np.uint8),
    "flags": lambda row: np.asarray(row) > 0,
    "list": lambda row: [float(x) for x in row],
    "tuple of integers": lambda row: tuple(int(x) for x in np.nan_to_num(row)),
    "mixed": lambda row: [np.float32(x) if i else float(x) for i, x in enumerate(row)],
    "strided": lambda row: np.repeat(np.asarray(row, np.float32), 2)[::2],
    "reversed": lambda row: np.asarray(row, np.float32)[::-1],
    "big endian": lambda row: np.asarray(row, ">f4"),
    "read only": lambda row: np.frombuffer(np.asarray(row, np.float32).tobytes(), np.float32),
    "unaligned": lambda row: np.frombuffer(
        b"x" + np.asarray(row, np.float32).tobytes(), np.float32, offset=1
    ),
    "fractions": lambda row: [fractions.Fraction(float(x)) for x in np.nan_to_num(row)],
    "decimals": lambda row: [decimal.Decimal(float(x)) for x in np.nan_to_num(row)],
}


@pytest.mark.parametrize("name", LEARNERS)
def test_no_event_compiles(name):
    # Made outside the block; the kept daemon's programs are older and serve no other daemon.
    ours, rows = daemon(name), events(name, len(KINDS) + 3)
    with count_compilations() as seen:
        assert np.all(np.isfinite(ours.predict(rows[0][0])))
        for kind, (observation, targets, ended) in zip(KINDS.values(), rows, strict=False):
            ours.predict(kind(observation))
            ours.step(kind(observation))
            ours.step(kind(observation), kind(targets), ended)
        ours.step(rows[-1][0] * np.nan, rows[-1][1])
        ours.step(rows[-1][0] * np.inf, rows[-1][1])
        ours.update(rows[-1][0], rows[-1][1] * np.inf)
        ours.step(rows[-1][0], rows[-1][1] * np.nan)
        ours.predict(rows[-1][0])
    assert len(seen) == 0


@pytest.mark.parametrize("name", LEARNERS)
def test_the_kind_of_a_number_does_not_matter(name):
    ours, rows = kept(name), events(name, len(KINDS), seed=4)
    for kind, (observation, _, _) in zip(KINDS.values(), rows, strict=True):
        given = kind(observation)
        plain = np.array([float(x) for x in given], np.float32)
        np.testing.assert_array_equal(ours.predict(given), ours.predict(plain))


def test_arrays_of_jax_are_taken():
    ours, (observation, targets, _) = kept("linear"), events("linear", 1)[0]
    expected = ours.predict(observation)
    np.testing.assert_array_equal(ours.predict(jnp.asarray(observation)), expected)
    found = ours.step(jnp.asarray(observation), jnp.asarray(targets))
    assert isinstance(found.predictions, np.ndarray)


def test_numbers_of_the_results_are_pythons():
    found = kept("linear").step(*events("linear", 1)[0])
    assert (type(found.rejected), type(found.step)) == (bool, int)


def of_kind(kind, **options):
    """A daemon of that kind, and what gives it its next event."""
    kind, _, featured = kind.partition(" with ")
    if featured:
        ours, rows = test_event_rows.made(kind, **options), iter(enumerate(drawn(9)))
        return ours, lambda: test_event_rows.learn(ours, *next(rows))
    if kind in agents.AGENTS:
        ours, rows = agents.daemon(kind, **options), iter(agents.events(9))
        return ours, lambda: ours.act(*next(rows))
    if kind == "watched agent":
        learner = af.StreamQ(2, agents.net(2), plasticity=af.PlasticityMonitor())
        ours, rows = af.Daemon(learner, agents.DIM, **options), iter(agents.events(9))
        return ours, lambda: ours.act(*next(rows))
    ours, rows = daemon(kind, **options), iter(events(kind, 9))
    return ours, lambda: ours.step(*next(rows))


FIRST = (
    *LEARNERS,
    "WithFeatures",
    "watched agent",
    "examples with features",
    "transitions with features",
    "agent with features",
)
RESUMED = ("mlp", "td", "agent with features")


@pytest.mark.parametrize(
    "kind, resumed", [(kind, False) for kind in FIRST] + [(kind, True) for kind in RESUMED]
)
def test_the_first_of_each_compiles_nothing(kind, resumed, tmp_path):
    """Of events, saves, brief reports, and after `warm_up` of whole ones."""
    path = tmp_path / "agent.ckpt"
    options = {"checkpoint": path, "checkpoint_every": 2, "on_divergence": "restore", "keep": 2}
    if resumed:
        before, live = of_kind(kind, **options)
        live()
        before.close()
    # What other daemons of this process have compiled is of no use.
    af.clear_caches()
    ours, live = of_kind(kind, **options)
    assert ours.resumed == resumed
    with count_compilations() as seen:
        for _ in range(4):
            live()
        ours.save()
        ours.report(brief=True)
    assert len(seen) == 0
    ours.warm_up()
    with count_compilations() as seen:
        ours.report()
        live()
        ours.report()
    assert len(seen) == 0
    ours.close()


def test_to_warm_up_changes_nothing():
    ours, live = of_kind("mlp")
    live()
    before, told = ours.state, ours.report()
    ours.warm_up()
    same_but_for_clocks(ours.state, before)
    again = ours.report()
    for clock in ("age_s", "uptime_s"):
        del told[clock], again[clock]
    assert again == told
