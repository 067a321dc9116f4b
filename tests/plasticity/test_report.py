"""What a monitor saw, told by diagnostics and daemons."""

import jax
import numpy as np
import pytest

import alberta_framework as af

MONITOR = af.PlasticityMonitor(8, 0.9)


def watched_and_seen(steps):
    """A learner that has lived, and the activations of each of its steps."""
    learner = af.MLPLearner((6, 5), af.LMS(0.01), sparsity=0.3, plasticity=MONITOR)
    state, rng, seen = learner.init(3, jax.random.key(0)), np.random.default_rng(0), []
    for _ in range(steps):
        x = rng.normal(size=3)
        seen.append([np.asarray(a) for a in learner.network_of(state).activations(x)])
        state = learner.update(state, x, 1.0).state
    return learner, state, seen


@pytest.mark.parametrize("steps", [3, 20])
def test_monitor_keeps_means_and_the_last_activations(steps):
    learner, state, seen = watched_and_seen(steps)
    watched = learner.network_of(state).watched
    weights = 0.1 * 0.9 ** np.arange(steps)[::-1]
    for layer in range(2):
        activations = np.stack([one[layer] for one in seen])
        mean = weights @ np.abs(activations) / weights.sum()
        np.testing.assert_allclose(watched.sizes[layer], mean, rtol=1e-5, atol=1e-7)
        kept = np.sort(np.asarray(watched.activations[layer]), 0)
        last = np.zeros((8, activations.shape[1]), np.float32)
        last[: min(8, steps)] = activations[-8:]
        np.testing.assert_allclose(kept, np.sort(last, 0), rtol=1e-6)
    report = af.compute_plasticity(learner, state)
    recent = np.stack([one[1] for one in seen[-8:]])
    assert float(report.effective_rank[1]) == pytest.approx(
        float(af.effective_rank(recent)), rel=1e-4
    )


def test_without_observations_and_monitor_it_says_so():
    learner = af.MLPLearner((6,), af.LMS(0.01))
    with pytest.raises(TypeError, match="PlasticityMonitor"):
        af.compute_plasticity(learner, learner.init(3, jax.random.key(0)))


def test_report_tells_how_many_units_were_made_new():
    chain = af.PlasticityChain((af.ContinualBackprop(0.1, maturity_threshold=2), MONITOR))
    learner = af.MLPLearner((6, 5), af.LMS(0.01), sparsity=0.3, plasticity=chain)
    state = learner.init(3, jax.random.key(0))
    for x in np.random.default_rng(0).normal(size=(30, 3)):
        state = learner.update(state, x, 1.0).state
    told = af.compute_plasticity(learner, state).to_dict()
    assert told["replaced"] == np.asarray(state.plasticity_state.methods[0].replaced).tolist()
    assert min(told["replaced"]) > 0


def test_networks_that_do_not_tell_their_layers_are_watched_all_the_same():
    policy = af.TanhGaussianPolicy([-1.0], [1.0])
    critic, actor = af.UnitFeatureMLP((6, 5), 1), af.UnitFeatureMLP((6, 5), 2)
    agent = af.AVG(policy, actor, critic, plasticity=MONITOR)
    state = agent.init(3, jax.random.key(0))
    fresh = af.compute_plasticity(agent, state)
    assert np.isnan(fresh.dormant_fraction).all()
    _, state = agent.start(state, np.ones(3))
    for x in np.random.default_rng(0).normal(size=(10, 3)):
        state = agent.act_and_learn(state, 1.0, x, False, False).state
    report = af.compute_plasticity(agent, state)
    assert report.effective_rank.shape == (2,) and (report.effective_rank > 1).all()
    with pytest.raises(TypeError, match="AVG"):
        af.compute_plasticity(agent, state, np.ones((4, 3)))


def test_daemons_of_learners_and_agents_report_it():
    learner = af.MultiHeadMLPLearner(2, (6, 5), af.LMS(0.01), plasticity=MONITOR)
    daemon = af.Daemon(learner, 3, key=jax.random.key(0))
    for x in np.random.default_rng(0).normal(size=(10, 3)):
        daemon.step(x, [1.0, np.nan])
    told = daemon.report()["plasticity"]
    assert told == af.compute_plasticity(learner, daemon.state).to_dict()
    agent = af.StreamQ(2, af.StreamMLP((6, 5), 2), plasticity=MONITOR)
    for one in (agent, af.WithFeatures(agent, af.ObservationNormalizer())):
        acting = af.Daemon(one, 3, key=jax.random.key(0))
        for x in np.random.default_rng(0).normal(size=(10, 3)):
            acting.act(x, 1.0)
        assert len(acting.report()["plasticity"]["dormant_fraction"]) == 2
