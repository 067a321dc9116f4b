"""What does a checkpoint cost? One file with checksums and fsync, beside an Orbax save of the same.

Trunk 64x64, 5 heads, 12 features, Autostep, EMANormalizer. Orbax is called bare, as a user would
call it: a composite of the state and JSON metadata. Calls take turns; nothing else is timed.
Run: python benchmarks/checkpoints.py
"""

import argparse
import pathlib
import shutil
import tempfile

import equinox as eqx
import jax
import numpy as np
import orbax.checkpoint as ocp
from measure import interleaved_medians, machine, table

import alberta_framework as af
from alberta_framework.checkpoints import load_checkpoint, save_agent

METADATA = {"run": 1, "note": "benchmark"}
SAVE_MS, RATIO = 5, 15  # the targets


def agent():
    learner = af.MultiHeadMLPLearner(5, (64, 64), af.Autostep(), normalizer=af.EMANormalizer())
    return learner, learner.init(12, jax.random.key(0))


def size(path: pathlib.Path) -> tuple[int, int]:
    """How many files, and their bytes."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return len(files), sum(one.stat().st_size for one in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--folder", help="where to write; a temporary folder if not given")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(dir=arguments.folder))
    learner, state = agent()
    template = eqx.filter_eval_shape(learner.init, 12, jax.random.key(0))
    file, tree = folder / "agent.ckpt", folder / "orbax"
    orbax = ocp.Checkpointer(ocp.CompositeCheckpointHandler())

    def save_file():
        save_agent(learner, state, file, METADATA)

    def save_orbax():
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(state), metadata=ocp.args.JsonSave(METADATA)
        )
        orbax.save(tree, items, force=True)

    def load_file():
        return load_checkpoint(template, file)[0]

    def load_orbax():
        items = ocp.args.Composite(
            state=ocp.args.StandardRestore(template), metadata=ocp.args.JsonRestore()
        )
        return orbax.restore(tree, items).state

    def save_backend():
        save_agent(learner, state, folder / "backend", METADATA, backend="orbax")

    fns = {
        "save, file": save_file,
        "save, Orbax": save_orbax,
        "save, Orbax as our backend": save_backend,
        "load, file": load_file,
        "load, Orbax": load_orbax,
    }
    try:
        medians = interleaved_medians(fns, arguments.repeats)
        for loaded in (load_file(), load_orbax()):
            pairs = zip(jax.tree.leaves(loaded), jax.tree.leaves(state), strict=True)
            assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)
        sizes = {"file": size(file), "Orbax": size(tree)}
    finally:
        shutil.rmtree(folder)
    leaves = jax.tree.leaves(state)
    octets = sum(leaf.nbytes for leaf in leaves)
    print(f"state of {len(leaves)} leaves, {octets / 1000:.0f} kB; {machine()}")
    print(f"median of {arguments.repeats}, interleaved; checksums and fsync included\n")
    rows = []
    for name, seconds in medians.items():
        ours = medians[f"{name.split(',')[0]}, file"]
        rows.append((name, f"{seconds * 1000:.1f}", f"{seconds / ours:.1f}"))
    table(("what", "ms", "times the file"), rows)
    print()
    table(("what", "files", "bytes"), [(name, *counts) for name, counts in sizes.items()])
    found, ratio = medians["save, file"] * 1000, medians["save, Orbax"] / medians["save, file"]
    print(f"\nsave: {found:.1f} ms (target {SAVE_MS}), {ratio:.0f} times faster than Orbax", end="")
    print(f" (target {RATIO})")


if __name__ == "__main__":
    main()
