"""How fast does an agent live on CartPole, and what does a life cost?

One life in one compiled program, of SARSA (32x32, traces, ObGDBounding, EMA) and of StreamQ (32x32,
ObGD, rewards scaled, observations normalized), against a scan of the same arithmetic written by
hand in plain JAX (`lives_by_hand.py`); SARSA also against the host's loop over Gymnasium. Then
StreamQ and StreamAC with more and more lives side by side, and where gymnax is installed StreamQ
and QRC on MinAtar's Breakout: each row in a process of its own, with the bytes of a life's state,
by how much the peak of the memory rose (of the resident memory; on an accelerator of its own), and
the seconds of tracing and compilation.

Run: python benchmarks/interact.py
"""

import argparse
import dataclasses
import importlib.util
import json
import subprocess
import sys

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from lives_by_hand import (
    DECAY,
    EPSILON,
    EPSILON_END,
    EPSILON_STEPS,
    GAMMA,
    KAPPA,
    LAMDA,
    sarsa_begun,
    sarsa_lived,
    scanned,
    stream_q_begun,
    stream_q_lived,
    world_keys,
)
from measure import first_call, interleaved_medians, machine, table
from scaling import exponent, peak

import alberta_framework as af

STEPS, HOST_STEPS = 50_000, 2_000
LIVES, LIFE_STEPS = 1_000, 1_000
POLE = af.CartPole()
ON_CPU = jax.default_backend() == "cpu"
# By number of lives: how many steps, so that a row takes seconds.
LENGTHS = {1: 20_000, 30: 5_000, 100: 2_000, 1_000: 500, 10_000: 500}
GAME_LIVES, GAME_STEPS = 3, 1_000
SIZES = (1, 30, 1_000) if ON_CPU else (1, 100, 10_000)


def agent(epsilon: float = EPSILON) -> af.SARSAAgent:
    return af.SARSAAgent(
        af.SARSAConfig(2, GAMMA, epsilon),
        (32, 32),
        af.LMS(1.0),
        bounder=af.ObGDBounding(KAPPA),
        normalizer=af.EMANormalizer(decay=DECAY),
        lamda=LAMDA,
    )


def streaming(agent: af.AbstractAgent) -> af.WithFeatures:
    return af.WithFeatures(agent, af.Pipeline((af.RewardScaler(GAMMA), af.ObservationNormalizer())))


def stream_q() -> af.WithFeatures:
    return streaming(af.StreamQ(2, epsilon=af.Linear(1.0, EPSILON_END, EPSILON_STEPS)))


def stream_ac() -> af.WithFeatures:
    return streaming(af.StreamAC(af.SoftmaxPolicy(2)))


def breakout(learner) -> tuple[af.AbstractAgent, af.AbstractEnvironment]:
    game = af.GymnaxEnvironment("Breakout-MinAtar", time_limit=None)
    network = af.MinAtarNetwork((10, 10, 4), 3)
    return streaming(learner(3, network)), af.StickyActions(game, 0.1)


AGENTS = {"StreamQ": lambda: (stream_q(), POLE), "StreamAC": lambda: (stream_ac(), POLE)}
GAMES = {
    "StreamQ, Breakout": lambda: breakout(af.StreamQ),
    "QRC, Breakout": lambda: breakout(af.QRC),
}
KINDS = {**AGENTS, **GAMES}


def apart(ours, theirs) -> float:
    """The largest relative difference of two series of TD errors."""
    return float(jnp.max(jnp.abs(ours - theirs) / jnp.maximum(1.0, jnp.abs(theirs))))


def one_life(agent: af.AbstractAgent, begun, lived, key) -> tuple[dict, float]:
    """A life in the library, and by hand; and how far their first TD errors are apart."""
    state = af.interact(agent, POLE, 0, key).state
    carry, keys = begun(state), world_keys(state, STEPS)

    def library():
        return af.interact(agent, POLE, STEPS, key, record_window=1000).metrics["td_error"]

    # Later on rounding changes an action, and with it the life.
    ours = af.interact(agent, POLE, 40, key).metrics["td_error"]
    theirs = scanned(lived, carry, keys[:40])[1]
    return {
        "interact": library,
        "scan by hand": lambda: scanned(lived, carry, keys),
    }, apart(ours, theirs)


def sarsa(lives: int) -> None:
    key = jr.key(0)
    fns, difference = one_life(agent(), sarsa_begun, sarsa_lived, key)
    firsts = {name: f"{first_call(fn):.2f}" for name, fn in fns.items()}
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    begun = agent().init(4, key)

    def host():
        return af.run_sarsa_continuing(agent(), begun, env, HOST_STEPS).state

    many = jr.split(key, lives)

    def batch():
        found = af.interact_batched(agent(), POLE, LIFE_STEPS, many, record_window=LIFE_STEPS)
        return found.metrics["td_error"]

    of_host, of_batch = "host loop, Gymnasium", f"interact_batched, {lives:,} lives, of one"
    s = interleaved_medians({**fns, of_host: host}, 7)
    us = {name: seconds / STEPS * 1e6 for name, seconds in s.items()}
    us[of_host] = s[of_host] / HOST_STEPS * 1e6
    us[of_batch] = interleaved_medians({"": batch}, 3)[""] / LIFE_STEPS / lives * 1e6
    compilations = compiled_by(
        lambda: af.interact(agent(0.3), POLE, STEPS, jr.key(7), record_window=1000),
        lambda: af.interact(
            agent(), dataclasses.replace(POLE, half_length=0.8), STEPS, key, record_window=1000
        ),
    )
    print(f"SARSA on CartPole, 32x32, {STEPS:,} steps\n")
    rates(us, firsts)
    print(f"\ninteract takes {us['interact'] / us['scan by hand']:.2f} of the hand-written scan's")
    print(f"time (target 1.1), and is {us[of_host] / us['interact']:.0f} times as fast as the")
    print(f"host's loop (20); many lives run at {us['interact'] / us[of_batch]:.2f} times the")
    print("single life's rate (1.7)")
    print(f"largest relative difference of the first 40 TD errors to the scan's: {difference:.1e}")
    print(f"another key and epsilon, another pole: {compilations} compilations")


def stream_q_life() -> None:
    fns, difference = one_life(stream_q(), stream_q_begun, stream_q_lived, jr.key(0))
    firsts = {name: f"{first_call(fn):.2f}" for name, fn in fns.items()}
    us = {name: s / STEPS * 1e6 for name, s in interleaved_medians(fns, 7).items()}
    print(f"\nStreamQ on CartPole, 32x32, {STEPS:,} steps\n")
    rates(us, firsts)
    print(f"\ninteract takes {us['interact'] / us['scan by hand']:.2f} of the hand-written scan's")
    print("time (target 1.1)")
    print(f"largest relative difference of the first 40 TD errors to the scan's: {difference:.1e}")


def rates(us: dict[str, float], firsts: dict[str, str]) -> None:
    table(
        ("what", "us a step", "steps/s", "against interact", "first call s"),
        [
            (name, f"{t:.2f}", f"{1e6 / t:,.0f}", f"{t / us['interact']:.2f}", firsts.get(name, ""))
            for name, t in us.items()
        ],
    )


def bytes_of(state) -> int:
    def data(leaf):
        keys = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jr.key_data(leaf) if keys else leaf

    return sum(data(leaf).nbytes for leaf in jax.tree.leaves(state))


def highest() -> float:
    """The peak of the memory so far, in MB: of an accelerator its own, else of the process."""
    told = None if ON_CPU else jax.local_devices()[0].memory_stats()
    return told["peak_bytes_in_use"] / 2**20 if told else peak()


def measured(kind: str, lives: int) -> dict[str, float]:
    agent, world = KINDS[kind]()
    steps, keys = LENGTHS.get(lives, GAME_STEPS), jr.split(jr.key(0), lives)
    jax.block_until_ready(keys)

    def run():
        if lives == 1:
            return af.interact(agent, world, steps, keys[0], record_window=steps)
        return af.interact_batched(agent, world, steps, keys, record_window=steps)

    before = highest()
    first = first_call(lambda: run().metrics)
    warm = interleaved_medians({"run": lambda: run().metrics}, 3)["run"]
    grown = highest() - before
    return {
        "us": warm / steps * 1e6,
        "bytes": bytes_of(run().state) / lives,
        "MB": grown,
        "compile": first - warm,
    }


def in_a_process(kind: str, lives: int) -> dict[str, float]:
    command = [sys.executable, __file__, f"--kind={kind}", f"--lives={lives}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def growth(kinds: dict[str, tuple[int, ...]]) -> None:
    """Time and memory by the number of lives."""
    rows, below = [], []
    for kind, sizes in kinds.items():
        found = [in_a_process(kind, lives) for lives in sizes]
        for lives, row in zip(sizes, found, strict=True):
            rate = f"{lives / row['us'] * 1e6:,.0f}"
            cost = f"{row['bytes']:,.0f}", f"{row['MB']:.0f}", f"{row['compile']:.1f}"
            rows.append((kind, f"{lives:,}", f"{row['us']:.1f}", rate, *cost))
        at, us = np.float64(sizes), np.float64([row["us"] for row in found])
        if len(sizes) > 2:
            parts = (slice(0, 2), slice(-2, None), slice(None))
            exponents = ", ".join(f"{exponent(at[part], us[part]):.2f}" for part in parts)
            more = (found[-1]["MB"] - found[0]["MB"]) / (sizes[-1] - sizes[0]) * 1024
            below.append(
                f"{kind}: time grows with the exponents {exponents} (first pair, last pair, all); "
                f"the peak by {more:.0f} kB a life"
            )
    print("\nlives side by side\n")
    header = ("agent", "lives", "us a step of all", "life-steps/s", "bytes of a state", "peak MB")
    table((*header, "compile s"), rows)
    print()
    for line in below:
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=LIVES)
    parser.add_argument("--only", choices=("sarsa", "stream-q", "lives"), help="one of the tables")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        print(json.dumps(measured(options.kind, options.lives)))
        return
    print(f"{machine()}\n", flush=True)
    if options.only in (None, "sarsa"):
        sarsa(options.lives)
    if options.only in (None, "stream-q"):
        stream_q_life()
    if options.only in (None, "lives"):
        games = GAMES if importlib.util.find_spec("gymnax") else ()
        sizes = {**dict.fromkeys(AGENTS, SIZES), **dict.fromkeys(games, (GAME_LIVES,))}
        growth(sizes)
        if not games:
            print("Breakout needs gymnax: pip install 'alberta_framework[gymnax]'")


def compiled_by(*calls) -> int:
    """How many programs are compiled when these are called once more."""
    count = 0

    def counted(event: str, *_, **__) -> None:
        nonlocal count
        count += event == "/jax/core/compile/backend_compile_duration"

    jax.monitoring.register_event_duration_secs_listener(counted)
    for call in calls:
        jax.block_until_ready(call().metrics)
    return count


if __name__ == "__main__":
    main()
