"""Nobody asks which learner this is: what differs between learners, they say themselves."""

import ast
import inspect

import jax
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.comparisons.studies.uniform import UniformAgent
from alberta_framework.lives.life import Life

from ..streams.cases import key_data
from ..trees import assert_same_bits, named_leaves
from .test_classes import FINAL, name
from .test_imports import FILES, room_of

OF_LEARNERS = {"learners", "horde", "control"}
CLASSES = [c for c in FINAL if issubclass(c, af.AbstractLearner | af.AbstractAgent)]
CLASSES = [c for c in CLASSES if c.__module__.startswith("alberta_framework")]
STATES = [c for c in FINAL if room_of(c.__module__) in OF_LEARNERS and name(c).endswith("State")]
OUTSIDE = [module for module in FILES if room_of(module) not in OF_LEARNERS]
ASKING = {"isinstance", "issubclass", "type"}

DEMONS = af.create_horde_spec([af.GVFSpec("a", af.DemonType.PREDICTION, 0.9, 0.5, -1)])
SMALL = {
    "LinearLearner": af.LinearLearner(af.IDBD(), af.EMANormalizer()),
    "SoftmaxLinearLearner": af.SoftmaxLinearLearner(3, af.IDBD(), af.EMANormalizer()),
    "TDLinearLearner": af.TDLinearLearner(),
    "MLPLearner": af.MLPLearner((3,), af.IDBD(), gamma=0.9, lamda=0.5),
    "MultiHeadMLPLearner": af.MultiHeadMLPLearner(2, (3,), af.LMS(0.1)),
    "HordeLearner": af.HordeLearner(DEMONS, (3,), af.Autostep()),
    "SARSAAgent": af.SARSAAgent(af.SARSAConfig(2), (3,), af.LMS(0.1)),
    "WithFeatures": af.WithFeatures(
        af.SARSAAgent(af.SARSAConfig(2), (3,), af.LMS(0.1)),
        af.TileCoder([-1.0] * 4, [1.0] * 4, tilings=1, tiles=2, hash_size=8),
    ),
    "StreamTD": af.StreamTD(af.StreamMLP((3,), 1, sparsity=0.0)),
    "GradientTraceTD": af.GradientTraceTD(af.StreamMLP((3,), 1, sparsity=0.0)),
    "LinearTD": af.LinearTD(),
    "TrueOnlineTD": af.TrueOnlineTD(),
    "SwiftTD": af.SwiftTD(),
    "OffPolicyTD": af.OffPolicyTD(),
    "DifferentialTD": af.DifferentialTD(lamda=0.5),
    "GradientTD": af.GradientTD(lamda=0.5),
    "EmphaticTD": af.EmphaticTD(lamda=0.5),
    "VTrace": af.VTrace(),
    "Retrace": af.Retrace(),
    "GQ": af.GQ(lamda=0.5),
    "OffPolicyHorde": af.OffPolicyHorde(af.GradientTD(lamda=0.5), DEMONS),
    "DifferentialQ": af.DifferentialQ(2, lamda=0.5),
    "DifferentialSARSA": af.DifferentialSARSA(2, lamda=0.5),
    "LinearHorde": af.LinearHorde(DEMONS, 0.1),
    "HordeWithFeatures": af.HordeWithFeatures(
        af.LinearHorde(DEMONS, 0.1), af.TilesOfEach(tilings=1, tiles=2)
    ),
    "StreamQ": af.StreamQ(2, af.StreamMLP((3,), 2, sparsity=0.0)),
    "StreamSARSA": af.StreamSARSA(2, af.StreamMLP((3,), 2, sparsity=0.0)),
    "LinearSarsa": af.LinearSarsa(2),
    "TrueOnlineSarsa": af.TrueOnlineSarsa(2),
    "SwiftSarsa": af.SwiftSarsa(2),
    "QRC": af.QRC(2, af.StreamMLP((3,), 2, sparsity=0.0)),
    "StreamAC": af.StreamAC(
        af.SoftmaxPolicy(2), af.StreamMLP((3,), 2, sparsity=0.0), af.StreamMLP((3,), 1)
    ),
    "AVG": af.AVG(
        af.TanhGaussianPolicy(-1.0, 1.0), af.UnitFeatureMLP((3,), 2), af.UnitFeatureMLP((3,), 1)
    ),
    "UniformAgent": UniformAgent(2),
    "Life": Life(af.SARSAAgent(af.SARSAConfig(2), (3,), af.LMS(0.1)), af.CartPole()),
}
TRACELESS = ("Life", "LinearLearner", "SoftmaxLinearLearner", "UniformAgent")
# Its weights are of features, and no observation has a weight of its own.
UNTOLD = ("HordeWithFeatures",)
DIM = 4


class Values(ast.NodeVisitor):
    """Where a class of these names is a value: asked for, looked up, compared.

    Not where one is made, and not in annotations, bases and imports.
    """

    def __init__(self, names):
        self.names, self.found = names, []

    def visit_Name(self, node):
        if node.id in self.names:
            self.found.append((node.lineno, node.id))

    def visit_Attribute(self, node):
        if node.attr in self.names:
            self.found.append((node.lineno, node.attr))
        self.generic_visit(node)

    def visit_Call(self, node):
        makes = isinstance(node.func, ast.Name) and node.func.id in self.names
        for child in (*([] if makes else [node.func]), *node.args, *node.keywords):
            self.visit(child)

    def visit_FunctionDef(self, node):
        defaults = [default for default in (*node.args.defaults, *node.args.kw_defaults) if default]
        for child in (*node.decorator_list, *defaults, *node.body):
            self.visit(child)

    def visit_ClassDef(self, node):
        for child in (*node.decorator_list, *node.body):
            self.visit(child)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)


def values(source, kinds):
    visitor = Values({name(kind) for kind in kinds})
    visitor.visit(ast.parse(source))
    return visitor.found


def asked(source, kinds):
    """Where it is asked whether something is of these classes."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ASKING:
            parts = node.args[1:]
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchClass):
            parts = [node.cls]
        found += [place for part in parts for place in values(ast.unparse(part), kinds)]
    return found


@pytest.mark.parametrize("module", OUTSIDE)
def test_no_one_asks_which_learner_this_is(module):
    source = FILES[module].read_text()
    assert not values(source, CLASSES)
    assert not asked(source, STATES)


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(learner, MLPLearner)",
        "isinstance(learner, LinearLearner | TDLinearLearner)",
        "type(learner) is af.HordeLearner",
        "KINDS = {LinearLearner: 1}",
        "def f(kind=MLPLearner): ...",
        "match learner:\n    case SARSAAgent(): ...",
        "chosen = [kind for kind in (MLPLearner, TDLinearLearner)]",
    ],
)
def test_a_question_is_found(source):
    assert values(source, CLASSES)
    assert not values("def f(a: MLPLearner) -> HordeLearner: return LinearLearner(LMS())", CLASSES)


@pytest.mark.parametrize("source", ["isinstance(state, SARSAState)", "type(s) is MLPLearnerState"])
def test_a_question_about_a_state_is_found(source):
    assert asked(source, STATES)


def test_every_learner_is_here():
    assert set(SMALL) == {name(kind) for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES, ids=name)
def test_a_learner_says_what_it_learns_from_and_whether_it_draws(kind):
    if issubclass(kind, af.AbstractLearner):  # an agent may learn from nothing but its own life
        assert issubclass(kind.experience, af.AbstractState)
    assert isinstance(kind.draws_weights, bool)
    assert inspect.signature(kind.init).parameters["key"].default is None


def timeless(state):
    return state.replace(birth_timestamp=0.0)


@pytest.mark.parametrize("kind", SMALL)
def test_a_key_is_needed_where_something_is_drawn_and_ignored_elsewhere(kind):
    learner = SMALL[kind]
    if learner.draws_weights:
        with pytest.raises(TypeError, match=r"`key` must be a typed key .*got None"):
            learner.init(DIM)
        return
    assert_same_bits(timeless(learner.init(DIM)), timeless(learner.init(DIM, jax.random.key(1))))


@pytest.mark.parametrize("kind", [kind for kind in SMALL if kind not in TRACELESS])
def test_cutting_the_traces_changes_nothing_else(kind):
    learner = SMALL[kind]
    state = key_data(learner.init(DIM, jax.random.key(0)))
    state = jax.tree.map(lambda a: a + 1 if a.dtype == np.float32 else a, state)
    pairs = zip(named_leaves(state), named_leaves(learner.reset_traces(state)), strict=True)
    changed = {path: after for (path, before), (_, after) in pairs if np.any(before != after)}
    # The value that the last step found is a trace of the past too.
    past = ("trace", "discount", "old_value", "value_change")
    assert changed and all(any(part in path for part in past) for path in changed)
    assert not any(np.any(after) for after in changed.values())


def test_a_learner_without_traces_returns_the_state():
    learner = SMALL["LinearLearner"]
    state = learner.init(DIM)
    assert learner.reset_traces(state) is state
    with pytest.raises(TypeError, match=r"LinearLearner\.reset_traces: `mask` must be None"):
        learner.reset_traces(state, np.array([True]))


@pytest.mark.parametrize(
    "kind", [k for k in SMALL if hasattr(SMALL[k], "predict") and k not in UNTOLD]
)
def test_the_network_is_what_predict_computes(kind):
    """Of one layer: the trunk's activations, or the inputs, times the weights of the heads."""
    learner = SMALL[kind]
    state = learner.init(DIM, jax.random.key(0))
    network, x = learner.network_of(state), np.float32([0.5, -1.0, 2.0, 0.25])
    *_, seen = (x, *network.activations(x))
    if network.trunk is None:
        assert not np.any(network.head_weights)
        return
    predicted = np.ravel(learner.predict(state, x))
    np.testing.assert_allclose(np.asarray(network.head_weights) @ seen, predicted, atol=1e-6)
    tensors = 2 * len(network.trunk.params.weights)
    assert len(network.trunk.step_sizes) == len(network.trunk.traces) == tensors


def test_the_demons_of_a_horde_are_its_questions():
    assert SMALL["HordeLearner"].demons == DEMONS.demons
    assert SMALL["MultiHeadMLPLearner"].demons == ()
