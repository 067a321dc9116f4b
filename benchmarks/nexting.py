"""Nexting at the size that was published: 2,160 demons on 6,065 binary features, TD(0.9).

How long does a step take, against what it has to read and write at this machine's memory bandwidth?
Dense throughout: the weights [demons, features] are read for the values of both observations, for
the check that all is finite, and for the step, and written once. Features that are 0 are multiplied
too: the step of the weights touches all of them, for traces of binary features are not sparse.
Also through a `Daemon`, an event at a time. With `--record FILE.npz`, as `SystemStream.record` and
`save_record` made it, also how good the predictions of that record are.
Run: python benchmarks/nexting.py
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from measure import first_call, interleaved_medians, machine, table

import alberta_framework as af

FEATURES, ACTIVE, STEPS, EVENTS = 6_065, 457, 100, 8
SIGNALS, TIMESCALES, DT = 540, (0.1, 0.5, 2.0, 8.0), 0.1
TARGET_STEPS_PER_SECOND = 100


def experience(seed: int = 0) -> af.DemonStep:
    """Binary features of which a tenth change at a step, and signals that follow some of them."""
    rng = np.random.default_rng(seed)
    x = np.zeros((STEPS + 1, FEATURES), np.float32)
    ones = rng.choice(FEATURES, ACTIVE, replace=False)
    for row in x:
        moved = rng.random(ACTIVE) < 0.1
        free = np.setdiff1d(np.arange(FEATURES), ones)
        ones = np.where(moved, rng.choice(free, ACTIVE, replace=False), ones)
        row[ones] = 1.0
    signals = np.float32(x[1:, :SIGNALS] + 0.1 * rng.normal(size=(STEPS, SIGNALS)))
    rows = jax.tree.map(jnp.asarray, (x[:-1], x[1:], signals))
    return af.DemonStep(rows[0], None, rows[1], signals=rows[2])


def bandwidths(demons: int) -> dict[str, float]:
    """GB/s of reading an array of the weights' size, and of reading and writing it in place."""
    weights = jnp.ones((demons, FEATURES), jnp.float32)
    ones = jnp.ones(FEATURES, jnp.float32)
    times, size = 10, 4 * weights.size

    @jax.jit
    def read(w):
        def one(x, _):
            values = w @ x
            return x + 0.0 * values[0], None

        return jax.lax.scan(one, ones, length=times)[0]

    @jax.jit
    def changed(w):
        return jax.lax.fori_loop(0, times, lambda _, w: w * 0.5 + 1.0, w)[0, 0]

    found = interleaved_medians(
        {"read": lambda: read(weights), "changed": lambda: changed(weights)}, 5
    )
    return {
        "read": times * size / found["read"] / 1e9,
        "changed": 2 * times * size / found["changed"] / 1e9,
    }


def speed(repeats: int) -> None:
    spec = af.nexting_horde([f"s{i}" for i in range(SIGNALS)], TIMESCALES, DT)
    horde, rows = af.LinearHorde(spec, 0.1 / ACTIVE), experience()
    state = horde.init(FEATURES)
    demons = len(spec)

    @jax.jit
    def loop(horde, state, rows):
        def one(state, step):
            state, outputs = horde.learn(state, step)
            return state, outputs[1][0]

        return jax.lax.scan(one, state, rows)[1]

    first = first_call(lambda: loop(horde, state, rows))
    daemon = af.Daemon(horde, FEATURES)
    of = np.asarray(spec.cumulant_indices)
    events = [
        (np.asarray(x), np.asarray(c)[of])
        for x, c in zip(rows.observation[:EVENTS], rows.signals[:EVENTS], strict=True)
    ]

    def served():
        for observation, cumulants in events:
            found = daemon.step(observation, cumulants)
        return found.predictions

    found = interleaved_medians(
        {"loop": lambda: loop(horde, state, rows), "daemon": served}, repeats
    )
    gb_s = bandwidths(demons)
    size = 4 * demons * FEATURES
    passed = 3 * size  # read for the values, read and written for the step
    print(
        f"{demons:,} demons x {FEATURES:,} features, {ACTIVE} of them 1; {horde.n_traces} traces; "
        f"weights {size / 1e6:.0f} MB, traces {4 * horde.n_traces * FEATURES / 1e6:.2f} MB "
        f"(one for each demon: {size / 1e6:.0f} MB)"
    )
    print(
        f"a step reads them for the values and changes them in place, {passed / 1e6:.0f} MB at "
        f"least; here a product of this size reads {gb_s['read']:.1f} GB/s, a sum in place passes "
        f"{gb_s['changed']:.1f} GB/s\n"
    )
    events_ms = found["daemon"] / EVENTS * 1e3
    step_ms = found["loop"] / STEPS * 1e3
    rows_of = [
        (name, first, f"{ms:.2f}", f"{1e3 / ms:.0f}", f"{passed / ms / 1e6:.1f}")
        for name, first, ms in (
            ("a loop over arrays", f"{first:.2f}", step_ms),
            ("a daemon, event by event", "", events_ms),
        )
    ]
    table(("how", "first call s", "ms per step", "steps per s", "GB/s"), rows_of)
    print(f"\nasked for: {TARGET_STEPS_PER_SECOND} steps per second on two cores")


def accuracy(path: str) -> None:
    """RMSE / std(G) of a record, over its last third."""
    record = af.load_record(path)
    learner = af.nexting_learner(record.names, TIMESCALES, DT)
    x = jnp.asarray(record.values)
    features, predictions = life_of(learner, x)
    spec, last = learner.horde.horde_spec, len(x) // 3
    print(f"\n{path}: {len(x):,} rows of {len(record.names)} signals, the last {last:,} evaluated")
    told = {"features": features[:-1], "last": last}
    errors = af.nexting_errors(spec, record.values, predictions[:-1], **told)
    hindsight = af.nexting_errors(spec, record.values, predictions[:-1], ridge_saw="all", **told)
    columns = {
        "learned": errors.learned,
        "running mean": errors.running_mean,
        "persistence": errors.persistence,
        "ridge on the past": errors.ridge,
        "ridge in hindsight": hindsight.ridge,
    }
    scales = len(TIMESCALES)
    of_scale = {name: np.reshape(e, (-1, scales)) for name, e in columns.items()}
    for called, average in (
        ("mean over signals", np.nanmean),
        ("median over signals", np.nanmedian),
    ):
        rows = [
            (f"{tau:g} s", *(f"{average(e[:, k]):.3f}" for e in of_scale.values()))
            for k, tau in enumerate(TIMESCALES)
        ]
        table((called, *columns), rows)
        print()
    rows = [
        (name, *(f"{e:.3f}" for e in np.array(list(columns.values()))[:, i]))
        for i, name in enumerate(spec.names)
        if np.isfinite(errors.learned[i])
    ]
    table(("demon", *columns), rows)


@jax.jit
def life_of(learner, x):
    """What the learner is shown at each row, and predicts there."""

    def one(state, rows):
        before, after = rows
        state, _ = learner.learn(state, af.DemonStep(before, None, after))
        return state, (state.last_shown, learner.predict(state, after))

    state = learner.init(x.shape[1], jax.random.key(0))
    shown, _ = learner.features.see(state.features_state, af.Percept(x[0], first=jnp.asarray(True)))
    predicted = learner.predict(state, x[0])
    _, (features, predictions) = jax.lax.scan(one, state, (x[:-1], x[1:]))
    return (
        jnp.concatenate([shown.observation[None], features]),
        jnp.concatenate([predicted[None], predictions]),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--record", help="a record of signals to predict")
    chosen = parser.parse_args()
    print(f"{machine()}\n")
    speed(chosen.repeats)
    if chosen.record:
        accuracy(chosen.record)
