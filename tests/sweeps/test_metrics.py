"""Numbers come back under their names; "diverged" is what was rejected or is not finite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.reporter import Rejecting, Reporter, UnnumberedReporter
from tests.sweeps.grids import IDBD, KEYS, META, SEEDS, WALK, assert_same, rows, swept

OFFSETS = {"learner.offset": [0.1, 0.2]}


def reported(form, axes=None, **changes):
    axes = OFFSETS if axes is None else axes
    return swept(Reporter(form=form), WALK, axes, num_steps=40, **changes)


@pytest.mark.parametrize(
    "form, values",
    [
        ("c a b", {"c": 3, "a": 1, "b": 2}),
        ("module", {"second": 2, "first": 1}),
        ("array", {"output_0": 1, "output_1": 2}),
        ("number", {"output_0": 1}),
        ("odd names", {"a/b": 1, "": 2, "ü ß": 3, "rejected steps": 4}),
        ("parts", {"zero": 0, "each": np.arange(3)}),
        ("matrix", {"output_0": np.arange(0, 6, 2), "output_1": np.arange(1, 6, 2)}),
        ("two widths", {"few": np.arange(2), "many": np.arange(3)}),
    ],
)
def test_every_number_comes_back_under_its_name(form, values):
    result = reported(form, record=af.WindowMean(7))
    assert list(result.metrics) == list(values)
    data = result.to_xarray()
    for name, value in values.items():
        for i, offset in enumerate((0.1, 0.2)):
            expected = np.broadcast_to(np.float32(value + offset), data[name][i].shape)
            np.testing.assert_allclose(data[name][i], expected, rtol=1e-6, err_msg=name)
    assert data.rejected.sum() == 0


def test_flags_and_whole_numbers_are_numbers():
    result = reported("count")
    assert (result.metrics["whole"] == 7.0).all()
    np.testing.assert_array_equal(result.metrics["flag"][:, 0, 0], [0.0, 1.0])


def test_each_axis_has_its_own_name():
    assert reported("parts").to_xarray().each.dims[-1] == "part"
    data = reported("two widths").to_xarray()
    assert data.few.dims[-1] == "few_part" and data.many.dims[-1] == "many_part"
    x, _, targets = rows()
    stream = af.RecordedStream(af.MultiHeadStep(x, targets))
    axes = {"learner.use_bias": [True, False]}
    result = swept(af.MultiHeadMLPLearner(2, (), af.LMS(0.1)), stream, axes)
    assert set(result.parts.values()) == {"head"}
    assert result.to_xarray().error.dims[-1] == "head"


@pytest.mark.parametrize(
    "form, error, message",
    [
        ("deep", TypeError, "sweep: Reporter: the metric 'bad' must be a number, or one for each"),
        ("tuple", TypeError, "must give a dictionary, a Module or one array"),
        (
            "a name of the result",
            ValueError,
            "the metric 'step' of Reporter is called as the result calls",
        ),
    ],
)
def test_outputs_that_cannot_be_told_apart_are_refused_before_anything_runs(form, error, message):
    with pytest.raises(error, match=message):
        af.SweepRun(Reporter(form=form), WALK, OFFSETS, num_steps=40, keys=KEYS)


def test_the_metrics_to_record_may_be_named():
    assert list(reported("a name of the result", metrics=["loss"]).metrics) == ["loss"]
    result = reported("c a b", metrics=["b", "c"])
    assert list(result.metrics) == ["b", "c"] and result.metrics["b"][0, 0, 0] == np.float32(2.1)
    with pytest.raises(ValueError, match="`metrics` must name a metric, got none"):
        reported("c a b", metrics=[])


def test_learners_share_some_metrics():
    learners = [af.LinearLearner(af.LMS(0.02)), af.MLPLearner((2,), af.LMS(0.02))]
    axes = {"learner": learners, "learner.normalizer": [None, af.EMANormalizer()]}
    run = af.SweepRun(IDBD, WALK, axes, num_steps=40, keys=KEYS)
    assert run.metric_names == ["squared_error", "error"]
    message = (
        r"unknown metric 'normalizer_mean_var' of LinearLearner \(learner LinearLearner, "
        r"learner.normalizer None\): Known: squared_error, error, mean_step_size\."
    )
    with pytest.raises(ValueError, match=message):
        swept(axes=axes, metrics=["error", "normalizer_mean_var"])
    # A file that scores by it says so before anything runs, too.
    with pytest.raises(ValueError, match="unknown metric 'bounding_metric' of LinearLearner"):
        af.SweepExperiment("s", IDBD, WALK, axes, 40, seeds=2, metric="bounding_metric")
    experiment = af.SweepExperiment("s", IDBD, WALK, axes, 40, seeds=2, metric="error")
    assert experiment.run().metric_names == ["squared_error", "error"]


def test_learners_that_share_none_are_refused():
    axes = {"learner": [af.LinearLearner(), Reporter(form="loss")]}
    message = "no metric in common: LinearLearner .* has squared_error, .*; Reporter .* has loss"
    with pytest.raises(ValueError, match=message):
        swept(axes=axes)


def test_a_metric_that_is_one_number_here_and_many_there_is_refused():
    parts = Reporter(form="parts")
    axes = {"learner": [parts, Reporter(form="two widths")]}
    with pytest.raises(ValueError, match="no metric in common"):
        swept(axes=axes)
    with pytest.raises(ValueError, match=r"metric 'zero' is a number or many: .*\(\); .*\(3,\)"):
        swept(axes={"learner": [parts, Reporter(form="zeros")]})


def test_a_learner_of_more_heads_has_more_parts():
    def heads(n):
        return af.MultiHeadMLPLearner(n, (), af.LMS(0.1))

    x, _, targets = rows(columns=2)
    stream = af.RecordedStream(af.MultiHeadStep(x, targets))
    result = swept(heads(2), stream, {"learner": [heads(2)]})
    assert result.metrics["error"].shape[-1] == 2
    with pytest.raises(ValueError, match="MultiHeadMLPLearner cannot learn from RecordedStream"):
        swept(heads(2), stream, {"learner": [heads(2), heads(3)]})


def test_a_squared_error_is_scored_by_default():
    result = reported("squared last")
    assert result.best().index == 0
    np.testing.assert_array_equal(result.scores(), result.scores("squared_error"))
    assert reported("c a b").plot().axes[0].get_ylabel() == "C"


@pytest.mark.parametrize("segments", [1, 2])
def test_a_resumed_sweep_gives_numbers_under_their_names(tmp_path, segments):
    arguments = {"num_steps": 4000, "keys": KEYS, "record": af.WindowMean(100), "max_batch": 3}
    learner = Reporter(form="odd names")
    run = af.SweepRun(
        learner, WALK, OFFSETS, checkpoint=tmp_path, checkpoint_every_s=0.0, **arguments
    )
    for _ in range(segments):
        run.advance()
    again = af.SweepRun(learner, WALK, OFFSETS, checkpoint=tmp_path, **arguments)
    assert again.steps_done == run.steps_done > 0
    while not again.finished:
        again.advance()
    assert_same(again.result(), af.sweep(learner, WALK, OFFSETS, **arguments))
    with pytest.raises(ValueError, match="is of another sweep"):
        af.SweepRun(
            learner, WALK, OFFSETS, checkpoint=tmp_path, metrics=["a/b", "ü ß"], **arguments
        )


def test_a_learner_without_hyperparameters_is_swept():
    axes = {"learner": [UnnumberedReporter(), Reporter(form="loss")], "stream.drift_rate": [0, 1]}
    result = swept(axes=axes, num_steps=40)
    np.testing.assert_array_equal(result.metrics["loss"][0, 1], np.arange(40))
    np.testing.assert_allclose(result.metrics["loss"][3], 3.1, rtol=1e-6)


def test_a_state_may_count_its_own_rejections():
    result = swept(Rejecting(), WALK, {}, num_steps=40)
    assert (result.rejected == 10).all() and (result.rejected_at[..., 3::4] == 1).all()
    assert result.diverged().all()


class WithoutLife:
    """No component of the library, no count of rejected steps, and NaN from the step `bad` on."""

    def __init__(self, bad):
        self.bad = bad

    def init(self, feature_dim):
        return jnp.int32(0)

    def learn(self, state, experience):
        loss = jnp.where(state >= jnp.int32(self.bad), jnp.nan, 1.0)
        return state + 1, {"loss": loss}


jax.tree_util.register_pytree_node(
    WithoutLife, lambda value: ((value.bad,), None), lambda _, children: WithoutLife(*children)
)


def test_a_metric_that_was_not_measured_has_not_diverged():
    result = reported("never", record=af.WindowMean(5))
    for metric, score in (("loss", [3.1, 3.2]), ("never", [np.nan, np.nan])):
        np.testing.assert_allclose(result.scores(metric).mean(-1), score, rtol=1e-6)
        assert not result.diverged(metric).any()
        assert result.summary(metric).diverged.tolist() == [0, 0]


def test_a_learner_that_counts_no_rejections_has_diverged_where_it_gives_no_number():
    result = swept(WithoutLife(20), WALK, {}, num_steps=40, record=af.WindowMean(5))
    assert result.diverged().all() and result.diverged(last=5).all()
    assert result.rejected.sum() == 0 and np.isnan(result.rejected_at).all()
    fine = swept(WithoutLife(99), WALK, {}, num_steps=40, record=af.WindowMean(5))
    assert not fine.diverged().any() and (fine.scores() == 1.0).all()


def heads_with(targets, bad_rows=(), step_size=0.05, record=None):
    """One head on these targets, NaN for none, and some observations that are no numbers."""
    x = rows(steps=len(targets))[0].copy()
    x[list(bad_rows)] = np.nan
    stream = af.RecordedStream(af.MultiHeadStep(x, np.float32(targets)[:, None]))
    learner = af.MultiHeadMLPLearner(1, (), af.LMS(step_size), sparsity=0.0)
    axes = {"learner.optimizer.step_size": [step_size, 1e30]}
    return swept(learner, stream, axes, num_steps=len(targets), record=record or af.WindowMean(4))


RARE = np.full(40, np.nan)
RARE[[0, 1, 2, 3, 13, 27, 39]] = 1.0


@pytest.mark.parametrize("record", [af.WindowMean(4), af.EveryNth(1)])
@pytest.mark.parametrize("bad_rows", [(), (14, 27)], ids=["clean", "bad rows"])
def test_a_head_without_a_target_is_left_out_of_the_score(record, bad_rows):
    """Also where other steps were rejected, of a healthy learner."""
    result = heads_with(RARE, bad_rows, record=record)
    curves = result.curves()[0]
    measured = ~np.isnan(curves[0])
    assert 0 < measured.sum() < measured.size
    # In the window, or at the step, of the bad row 27 no number is left.
    lost = 27 in bad_rows
    assert result.diverged().tolist() == [[lost] * SEEDS, [True] * SEEDS]
    if lost:
        assert result.diverged(last=12).tolist() == [[False] * SEEDS, [True] * SEEDS]
    else:
        means = curves[:, measured].mean(-1)
        np.testing.assert_allclose(result.scores()[0], means, rtol=1e-6)
    assert result.rejected[0].tolist() == [len(bad_rows)] * SEEDS
    assert result.ranking()[0] == 0


def test_rejections_are_counted_by_recording():
    bad = [2, 3, 9, 20, 21, 22, 23]
    result = heads_with(np.ones(42), bad)
    ends = np.minimum(np.arange(4, 46, 4), 42)
    counts = [sum(end - 4 <= row < end for row in bad) for end in ends[:-1]] + [0]
    np.testing.assert_array_equal(result.rejected_at[0, 0], counts)
    assert result.rejected[0, 0] == len(bad)
    # The window of rejected steps alone.
    assert np.isnan(result.curves()[0, 0]).tolist() == [i == 5 for i in range(11)]
    assert result.diverged()[0].all() and not result.diverged(last=10)[0].any()


def test_rejections_add_up_over_segments():
    """A long sweep is run in segments, each with a tape of its own."""
    x, _, targets = rows(steps=7)
    x = x.copy()
    x[5] = np.inf
    arguments = {"num_steps": 6000, "keys": KEYS, "record": af.WindowMean(100)}
    stream = af.ArrayStream(x, targets[:, :1])
    result = af.sweep(af.LinearLearner(), stream, {}, **arguments)
    ends = np.arange(100, 6100, 100)
    until = (ends + 1) // 7  # of the steps 5, 12, 19, ...
    counts = np.diff(until, prepend=0)
    np.testing.assert_array_equal(result.rejected_at, np.broadcast_to(counts, (1, SEEDS, 60)))
    assert (result.rejected == until[-1]).all()
    assert not result.diverged().any() and np.isfinite(result.scores()).all()


def test_the_axis_of_the_curves_is_that_of_what_did_not_diverge():
    axes = {"learner.optimizer.step_size": [0.01, 0.05, 50.0]}
    for steps in (20, 400):  # 20 steps end before anything is rejected, at errors of 1e60
        result = swept(af.LinearLearner(), axes=axes, num_steps=steps)
        (ax,) = result.plot().axes
        low, high = ax.get_ylim()
        healthy = result.curves()[:2].mean(1)
        assert low <= healthy.min() and healthy.max() <= high < 30 * healthy.max()
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels[2] == "step size 50 (off the scale)" and "off" not in "".join(labels[:2])
        (ax,) = result.plot("error").axes
        low, high = ax.get_ylim()
        assert -30 < low < high < 30


def test_points_keep_their_numbers_whatever_else_is_swept():
    axes = {"stream.noise_std": [0, 1], "learner.offset": [0.1, 0.2, 0.3]}
    data = reported("c a b", axes).to_xarray()
    for offset in (0.1, 0.2, 0.3):
        for name, value in {"a": 1, "b": 2, "c": 3}.items():
            found = data[name].sel({"learner.offset": offset})
            np.testing.assert_allclose(found, value + offset, rtol=1e-6)


def test_the_frame_has_a_column_for_each_metric():
    frame = reported("c a b").to_dataframe()
    assert list(frame.columns) == ["learner.offset", "seed", "step", "c", "a", "b"]
    np.testing.assert_allclose(frame["a"], frame["learner.offset"] + 1, rtol=1e-6)
    assert META not in frame
