"""Which inputs and heads are meant, by name or by number, and what is refused."""

import os

import jax
import jax.numpy as jnp
import pytest

import alberta_framework as af

from .learners import learned, saved

INPUTS, HEADS = ["load", "host", "wind"], ["load", "cost"]
LEARNER = af.MultiHeadMLPLearner(2, (), af.LMS(0.1), sparsity=0.0)
ABOUT = {"daemon": {"feature_names": INPUTS, "head_names": HEADS, "steps": 12, "gamma": None}}


@pytest.fixture
def named(tmp_path):
    return saved(tmp_path, LEARNER, learned(LEARNER, 3), ABOUT | {"site": "north"})[0]


def migrated(path, **changes):
    return af.migrate(path, path.with_name("new.ckpt"), **changes)


def test_those_that_are_kept_come_first_in_their_order(named):
    found = migrated(
        named,
        add_inputs=["rain", "sun"],
        drop_inputs=["host"],
        add_heads=["risk"],
        drop_heads=["load"],
        rename={"wind": "gust", "cost": "price"},
    )
    assert found.feature_names == ["load", "gust", "rain", "sun"]
    assert found.head_names == ["price", "risk"]
    metadata = af.load_checkpoint_metadata(found.path)
    told = metadata["daemon"]
    assert (told["feature_names"], told["head_names"]) == (found.feature_names, found.head_names)
    assert told["steps"] == 12 and metadata["site"] == "north"


def test_the_new_file_tells_of_its_ancestors(named):
    first, second = named.with_name("b.ckpt"), named.with_name("c.ckpt")
    af.migrate(named, first, add_inputs=["rain"], rename={"cost": "price"})
    af.migrate(first, second, drop_inputs=["rain"])
    told = af.load_checkpoint_metadata(second)["migrated_from"]
    assert (told["name"], told["steps"], told["dropped_inputs"]) == ("b.ckpt", 12, ["rain"])
    assert told["payload_sha256"] == af.checkpoint_header(first)["payload_sha256"]
    before = told["migrated_from"]
    assert (before["name"], before["added_inputs"]) == ("old.ckpt", ["rain"])
    assert before["renamed_heads"] == {"cost": "price"} and before["migrated_from"] is None
    assert str(named.parent) not in str(told)


def test_a_name_of_an_input_and_of_a_head_is_told_apart(named):
    with pytest.raises(ValueError, match=r"'load', which is an input and a head .*'input:load' or"):
        migrated(named, rename={"load": "use"})
    found = migrated(named, rename={"head:load": "use"})
    assert (found.feature_names, found.head_names) == (INPUTS, ["use", "cost"])


def test_names_may_change_places(named):
    found = migrated(named, rename={"host": "wind", "wind": "host"})
    assert found.feature_names == ["load", "wind", "host"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"drop_inputs": ["winf"]}, "no input of the checkpoint. Did you mean 'wind'"),
        ({"drop_heads": ["wind"]}, "`drop_heads` has 'wind', which is no head"),
        ({"drop_inputs": ["2"]}, "`drop_inputs` has '2', which is no input"),
        ({"add_inputs": ["load"]}, "two inputs would have the name 'load'"),
        ({"add_heads": ["cost"]}, "two heads would have the name 'cost'"),
        ({"add_inputs": ["rain", "rain"]}, "must hold each name once"),
        ({"drop_heads": ["cost", "cost"]}, "must hold each name once"),
        ({"add_inputs": [""]}, "a new input must have a name"),
        ({"drop_inputs": INPUTS}, "`drop_inputs` must leave one input"),
        ({"rename": {"rain": "sun"}}, "`rename` has 'rain', which is no input and no head"),
        ({"rename": {"wind": "host"}}, "two inputs would have the name 'host'"),
        ({"drop_inputs": ["host"], "rename": {"host": "x"}}, "is dropped and renamed"),
        ({"add_heads": {"risk": "rain"}}, r"`add_heads\['risk'\]` has 'rain'"),
        ({"features": af.EventFeatures(af.NumberField("load"))}, "`features` must be None"),
    ],
)
def test_names_that_make_no_sense_are_refused(changes, text, named):
    with pytest.raises(ValueError, match=text):
        migrated(named, **changes)
    assert not named.with_name("new.ckpt").exists()


@pytest.mark.parametrize("argument", ["add_inputs", "drop_inputs", "add_heads", "drop_heads"])
@pytest.mark.parametrize("names", ["rain", [1]])
def test_names_are_a_list_of_texts(argument, names, named):
    with pytest.raises(TypeError, match=f"`{argument}` must be a list of texts"):
        migrated(named, **{argument: names})
    with pytest.raises(TypeError, match="`rename` must map texts to texts"):
        migrated(named, rename={"wind": 3})


def test_without_names_inputs_go_by_their_numbers(tmp_path):
    path, _ = saved(tmp_path, LEARNER, learned(LEARNER, 3))
    with pytest.raises(ValueError, match=r"`add_inputs` must be \['2', '3'\], the numbers that"):
        migrated(path, add_inputs=["3", "4"], drop_inputs=["0"])
    with pytest.raises(ValueError, match="is no input and no head"):
        migrated(path, rename={"0": "load"})
    found = migrated(path, add_inputs=["2", "3"], drop_inputs=["0"])
    assert (found.inputs, found.feature_names, found.dropped_inputs) == (4, None, ("0",))


def test_nothing_changed_is_a_copy_with_an_ancestor(named):
    found = migrated(named)
    assert found.added_inputs == found.dropped_heads == found.new_parts == ()
    ours, theirs = af.checkpoint_header(found.path), af.checkpoint_header(named)
    assert ours["payload_sha256"] == theirs["payload_sha256"]


@pytest.mark.parametrize("there", ["new.ckpt", "new.ckpt.1", "a link to nothing"])
def test_what_is_there_is_never_replaced(there, named):
    to = named.with_name("new.ckpt")
    if there == "a link to nothing":
        os.symlink("nowhere", to)
    else:
        to.with_name(there).write_bytes(named.read_bytes())
    before = sorted(os.listdir(named.parent))
    with pytest.raises(FileExistsError, match=r"`to` must be a new file; .*new.ckpt"):
        migrated(named, add_inputs=["rain"])
    with pytest.raises(FileExistsError):
        af.migrate(named, named, add_inputs=["rain"])
    assert sorted(os.listdir(named.parent)) == before


def test_a_file_that_is_none_is_told(tmp_path, named):
    with pytest.raises(FileNotFoundError):
        af.migrate(tmp_path / "nothing", tmp_path / "new.ckpt")
    damaged = tmp_path / "damaged.ckpt"
    damaged.write_bytes(named.read_bytes()[:-1] + b"?")
    with pytest.raises(af.CheckpointError, match="checksum of the payload"):
        af.migrate(damaged, tmp_path / "new.ckpt")
    af.save_checkpoint(learned(LEARNER), tmp_path / "state.ckpt")
    with pytest.raises(af.CheckpointError, match="holds no learner"):
        af.migrate(tmp_path / "state.ckpt", tmp_path / "new.ckpt")


def test_lanes_are_migrated_one_by_one(tmp_path):
    learner = af.LinearLearner()
    lanes = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), learner.init(2))
    path, _ = saved(tmp_path, learner, lanes)
    with pytest.raises(af.CheckpointError, match=r"holds lanes, of the shape \[3\]"):
        migrated(path, add_inputs=["2"])
