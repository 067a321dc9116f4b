"""The network learners under every combination of their parts, and the data they are run on."""

import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np

import alberta_framework as af
from tests.bounders import cases as bounder_cases
from tests.learners import cases
from tests.normalizers import cases as normalizer_cases
from tests.optimizers import cases as optimizer_cases
from tests.oracles import mlp, multi_head

# Sizes and length of every compiled run, the golden ones too, so that they share programs.
CHUNK, DIM, HEADS = 40, 5, 3
# More weights than the 0.9 of the default would leave of five inputs.
SPARSITY = 0.5


def layers(hidden_sizes, outputs, seed):
    """Weights of every layer, half of them zero and the others uniform."""
    rng, sizes = np.random.default_rng(seed), [DIM, *hidden_sizes, outputs]
    drawn = []
    for below, above in itertools.pairwise(sizes):
        scale = below**-0.5 * (rng.random((above, below)) > 0.5)
        drawn.append(jnp.asarray(scale * rng.uniform(-1, 1, size=(above, below)), jnp.float32))
    return drawn


def with_biases(weights):
    """The same as parameters, with biases of zero."""
    return af.MLPParams(tuple(weights), tuple(jnp.zeros(len(w)) for w in weights))


@dataclasses.dataclass(frozen=True)
class Case(cases.Case):
    """A learner of one output put together from the cases of its parts; a part may be None."""

    head_optimizer: optimizer_cases.Case | None = None
    hidden_sizes: tuple = (8,)
    arguments: tuple = ()

    def __str__(self):
        parts = [super().__str__(), "x".join(map(str, self.hidden_sizes)) or "linear"]
        if self.head_optimizer is not None:
            parts.insert(1, f"heads={self.head_optimizer.kind}")
        return "-".join([*parts, *(f"{name}={value}" for name, value in self.arguments)])

    def _arguments(self, changes):
        head = self.head_optimizer and self.head_optimizer.build()
        given = {"optimizer": self.optimizer.build(), "head_optimizer": head}
        given |= {"hidden_sizes": self.hidden_sizes, "sparsity": SPARSITY}
        return given | self.parts() | dict(self.arguments) | changes

    def build(self, **changes):
        return af.MLPLearner(**self._arguments(changes))

    def _oracles(self):
        parts = {
            "optimizer": self.optimizer.param_oracle,
            "head_optimizer": self.head_optimizer and self.head_optimizer.param_oracle,
            "normalizer": self.normalizer and self.normalizer.oracle(DIM),
            "bound": self.bounder and self.bounder.oracle,
        }
        names = {"leaky_relu_slope": "slope", "use_layer_norm": "layer_norm"}
        return parts | {names.get(name, name): value for name, value in self.arguments}

    def oracle(self, state):
        """From the parameters of a state."""
        return mlp.MLPLearner(state.params.weights, state.params.biases, **self._oracles())

    def parameters(self, seed=0):
        """Weights for a state to begin with, by the names of its fields."""
        return {"params": with_biases(layers(self.hidden_sizes, 1, seed))}

    @property
    def targets(self):
        """Shape of the targets of one step."""
        return ()


@dataclasses.dataclass(frozen=True)
class MultiHeadCase(Case):
    def __str__(self):
        return f"many-{super().__str__()}"

    def build(self, **changes):
        return af.MultiHeadMLPLearner(HEADS, **self._arguments(changes))

    def oracle(self, state):
        parts = self._oracles()
        gamma, lamda = parts.pop("gamma", 0.0), parts.pop("lamda", 0.0)
        decays = parts.pop("per_head_gamma_lamda", [gamma * lamda] * HEADS)
        return multi_head.MultiHeadMLPLearner(
            state.trunk_params.weights,
            state.trunk_params.biases,
            state.head_params.weights,
            state.head_params.biases,
            decays=decays,
            **parts,
        )

    def parameters(self, seed=0):
        *trunk, heads = layers(self.hidden_sizes, HEADS, seed)
        stacked = af.MLPParams(heads[:, None, :], jnp.zeros((HEADS, 1)))
        return {"trunk_params": with_biases(trunk), "head_params": stacked}

    @property
    def targets(self):
        return (HEADS,)


# The ranges in which one optimizer serves linear learners and networks alike.
LMS = optimizer_cases.Case("LMS", {"step_size": 0.02})
IDBD = optimizer_cases.Case("IDBD", {"initial_step_size": 0.02, "meta_step_size": 0.005})
AUTOSTEP = optimizer_cases.Case("Autostep", {"initial_step_size": 0.02, "meta_step_size": 0.02})
FADE = optimizer_cases.Case("FADE", {"initial_step_size": 0.02, "meta_step_size": 0.005})
NONE, EMA, WELFORD = None, *normalizer_cases.KINDS
OBGD = bounder_cases.Case("ObGDBounding", {})
AGC = bounder_cases.Case("AGCBounding", {"clip_factor": 0.1, "eps": 0.1})

PARTS = [
    (optimizer, normalizer, bounder)
    for optimizer in (LMS, IDBD, AUTOSTEP)
    for normalizer in (NONE, EMA, WELFORD)
    for bounder in (None, OBGD, AGC)
]
MLP = [Case(*parts) for parts in PARTS]
MULTI_HEAD = [MultiHeadCase(*parts) for parts in PARTS]

TRACES = (("gamma", 0.9), ("lamda", 0.8))
STEEP = (("leaky_relu_slope", 0.3), ("use_layer_norm", False))
MLP_SHAPES = [
    Case(LMS, NONE, OBGD, hidden_sizes=(8, 6), arguments=TRACES),
    Case(AUTOSTEP, EMA, None, LMS, (8, 6), STEEP),
    Case(LMS, NONE, None, AUTOSTEP, (), TRACES),
    Case(LMS, EMA, OBGD, FADE, (8, 6)),
]
HEAD_DECAYS = (("per_head_gamma_lamda", (0.0, 0.5, 0.81)),)
MULTI_HEAD_SHAPES = [
    MultiHeadCase(LMS, NONE, OBGD, None, (8, 6), HEAD_DECAYS),
    MultiHeadCase(AUTOSTEP, EMA, None, LMS, (8, 6), (*STEEP, *HEAD_DECAYS)),
    MultiHeadCase(IDBD, NONE, AGC, None, (), (*TRACES, ("use_bias", False))),
    MultiHeadCase(LMS, EMA, OBGD, AUTOSTEP, (), TRACES),
    MultiHeadCase(IDBD, NONE, OBGD, FADE, (8, 6)),
    MultiHeadCase(FADE, EMA, None, None, (), (("use_bias", False),)),
]
# With every part present: no field of the state is absent.
FULL = Case(IDBD, EMA, OBGD)
FULL_MULTI_HEAD = MultiHeadCase(IDBD, EMA, OBGD)


def regression(case, steps, seed=0):
    """Targets of a fixed network of tanh units and noise; a tenth of many heads are inactive."""
    rng = np.random.default_rng(seed)
    outputs = case.targets or (1,)
    x = rng.normal(size=(steps, DIM)) * [1.0, 2.0, 0.3, 1.0, 0.5] + [0.0, 1.0, -0.2, 0.0, 2.0]
    y = np.tanh(x @ rng.normal(size=(DIM, 6))) @ rng.normal(size=(6, *outputs))
    y += 0.1 * rng.normal(size=y.shape)
    if case.targets:
        y[rng.random(y.shape) < 0.1] = np.nan
    return np.float32(x), np.float32(y.reshape(steps, *case.targets))
