"""Events of other fields: those that are kept go on with what they know."""

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon

LOAD = af.NumberField("load", lags=(1,), missing=True)
HOST = af.CategoryField("host", capacity=2, hashed=1)
OLD = af.EventFeatures((LOAD, HOST))
WIND = af.NumberField("wind", missing=True)
LEARNER = af.LinearLearner(af.Autostep())


@pytest.fixture
def lived(tmp_path):
    rng = np.random.default_rng(0)
    with Daemon(LEARNER, features=OLD, checkpoint=tmp_path / "old.ckpt") as daemon:
        for _ in range(30):
            load, host = float(rng.normal()), str(rng.choice(["web", "db"]))
            daemon.step({"load": load, "host": host, "wind": 3.0}, load + (host == "db"))
    return tmp_path / "old.ckpt"


def test_a_new_field_stands_anywhere_and_the_others_go_on(lived, tmp_path):
    new = af.EventFeatures((WIND, HOST, LOAD))
    found = af.migrate(lived, tmp_path / "new.ckpt", features=new)
    assert found.feature_names == new.feature_names
    assert found.added_inputs == ("wind", "wind.missing") and found.dropped_inputs == ()
    with (
        Daemon(LEARNER, features=OLD, checkpoint=lived, frozen=True) as before,
        Daemon(LEARNER, features=new, checkpoint=tmp_path / "new.ckpt") as after,
    ):
        places = [new.feature_names.index(name) for name in OLD.feature_names]
        np.testing.assert_array_equal(after.state.weights[np.array(places)], before.state.weights)
        for event in ({"load": 2.0, "host": "db"}, {"host": "web"}, {"load": 1.0, "host": "new"}):
            zero = event | {"wind": 0.0}
            # Inputs in another order are added in another order.
            np.testing.assert_allclose(after.predict(zero), before.predict(event), rtol=1e-5)
            expected, found = before.event_row(event).features, after.event_row(zero).features
            np.testing.assert_array_equal(found[places], expected)
        told = after.report()["features"]
        assert told["events"] == 30 and told["missing"]["wind"] == 0
        assert told["undeclared"] == {"wind": 30}
        after.step({"load": 1.0, "host": "web"}, 1.0)
        assert after.report()["features"]["missing"]["wind"] == 1 and after.steps == 31


def test_a_field_is_dropped_or_renamed_when_asked(lived, tmp_path):
    to, new = tmp_path / "new.ckpt", af.EventFeatures((af.CategoryField("node", 2, 1), WIND))
    with pytest.raises(ValueError, match="no field for 'load' of the checkpoint; name it in"):
        af.migrate(lived, to, features=new, rename={"host": "node"})
    with pytest.raises(ValueError, match="no field for 'host'"):
        af.migrate(lived, to, features=new, drop_inputs=["load"])
    found = af.migrate(lived, to, features=new, drop_inputs=["load"], rename={"host": "node"})
    assert found.dropped_inputs == ("load", "load.lag1", "load.missing")
    with Daemon(LEARNER, features=new, checkpoint=to) as daemon:
        names = daemon.features.told_names(daemon.features_state)
        assert sorted(names[:2]) == ["node=db", "node=web"]
        assert daemon.state.weights[:2].all() and not daemon.state.weights[3:].any()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"add_inputs": ["wind"]}, "`features` must be given"),
        ({"drop_inputs": ["load"]}, "`features` must be given"),
        ({"rename": {"load": "use"}}, "`features` must be given"),
        (
            {"features": af.EventFeatures((af.NumberField("load"), HOST))},
            "the field 'load' of `features` must be as it was",
        ),
        ({"features": OLD, "add_inputs": ["wind"]}, "`add_inputs` must be none"),
        ({"features": OLD, "drop_inputs": ["load.lag1"]}, "which is no field"),
        (
            {"features": OLD, "drop_inputs": ["load"], "rename": {"load": "use"}},
            "'load' is dropped and renamed",
        ),
    ],
)
def test_what_cannot_be_is_refused(changes, text, lived, tmp_path):
    with pytest.raises(ValueError, match=text):
        af.migrate(lived, tmp_path / "new.ckpt", **changes)


def test_without_other_fields_they_go_on_as_they_are(lived, tmp_path):
    monitored = af.LinearLearner(af.Autostep(), bounder=af.ObGDBounding())
    af.migrate(lived, tmp_path / "new.ckpt", learner=monitored)
    old, new = (af.load_checkpoint_metadata(p)["daemon"] for p in (lived, tmp_path / "new.ckpt"))
    assert old == new
