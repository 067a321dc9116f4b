"""General value functions: the questions that demons answer."""

import dataclasses
import enum
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ..components.component import AbstractComponent, ConfigView
from ..components.numbers import f32, is_traced
from ..components.ranges import require_count, require_part, require_places, require_range
from ..components.types import Hyperparameter, ScalarLike
from ..learners import stacked_numbers
from .target_policy import AbstractTargetPolicy


class DemonType(enum.Enum):
    """What a demon's answer is for."""

    PREDICTION = "prediction"
    CONTROL = "control"


class GVFSpec(AbstractComponent):
    r"""One question: the expected discounted sum of a signal.

        v(s) = E[ C_1 + gamma C_2 + gamma^2 C_3 + ... | s ]

    Source: Sutton et al. (2011), Horde: A Scalable Real-time Architecture for Learning Knowledge
    from Unsupervised Sensorimotor Interaction.

    **Arguments:** `name`: not empty; `demon_type`; `gamma`, `lamda` in [0, 1]; `cumulant_index`
    >= -1: which of the signals is the cumulant, -1 for one that is given by itself;
    `terminal_reward`: added to the target of a terminal transition, default 0; `target_policy`: the
    policy that the question is about, default None: the one that is followed.
    """

    name: str = eqx.field(static=True)
    demon_type: DemonType = eqx.field(static=True)
    gamma: Hyperparameter
    lamda: Hyperparameter
    cumulant_index: int = eqx.field(static=True)
    terminal_reward: Hyperparameter = 0.0
    target_policy: AbstractTargetPolicy | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    _config_names_type: ClassVar[bool] = False

    def __check_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"GVFSpec: `name` must be a non-empty string, got {self.name!r}.")
        if not isinstance(self.demon_type, DemonType):
            raise TypeError(f"GVFSpec: `demon_type` must be a DemonType, got {self.demon_type!r}.")
        require_range(self, "gamma", 0.0, 1.0)
        require_range(self, "lamda", 0.0, 1.0)
        require_count("GVFSpec", "cumulant_index", self.cumulant_index, low=-1)
        require_range(self, "terminal_reward")
        require_part(self, "target_policy", AbstractTargetPolicy, optional=True)


class HordeSpec(AbstractComponent):
    """The questions of all demons, stacked; build it with `create_horde_spec`.

    The numbers of all demons are one leaf each, so that a horde of ten thousand costs no more to
    call than one of two. To change a number use `eqx.tree_at` on `gammas`, `lamdas` or
    `terminal_rewards`.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    demon_types: tuple[DemonType, ...] = eqx.field(static=True)
    cumulant_indices: tuple[int, ...] = eqx.field(static=True)
    gammas: Float[Array, " demons"]
    lamdas: Float[Array, " demons"]
    terminal_rewards: Float[Array, " demons"]
    # Of all demons, or of none.
    target_policies: tuple[AbstractTargetPolicy | None, ...] = ()

    _config_view: ClassVar[ConfigView]
    _config_names_type: ClassVar[bool] = False

    def __check_init__(self):
        if len(set(self.names)) < len(self.names):
            twice = sorted(name for name, count in Counter(self.names).items() if count > 1)
            raise ValueError(
                f"HordeSpec: `demons` must have distinct names, got {', '.join(twice)} twice."
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def demons(self) -> tuple[GVFSpec, ...]:
        """The questions one by one, rebuilt from the stacked numbers."""
        fields = (
            self.names,
            self.demon_types,
            self.gammas,
            self.lamdas,
            self.cumulant_indices,
            self.terminal_rewards,
        )
        policies = self.target_policies or (None,) * len(self)
        return tuple(
            GVFSpec(name, kind, _number(gamma), _number(lamda), index, _number(terminal), policy)
            for name, kind, gamma, lamda, index, terminal, policy in zip(
                *fields, policies, strict=True
            )
        )

    def chosen(self, places: Sequence[int], names: Sequence[str]) -> "HordeSpec":
        """The spec whose demon i asks what demon `places[i]` of this one does, under `names[i]`."""
        require_places("HordeSpec", places, len(self))
        demons = self.demons
        return create_horde_spec(
            [
                dataclasses.replace(demons[place], name=name)
                for place, name in zip(places, names, strict=True)
            ]
        )

    def importance_ratios(
        self,
        observation: Real[ArrayLike, " features"],
        action: Any,
        log_b: ScalarLike,
        clip: ScalarLike = math.inf,
    ) -> Float[Array, " demons"]:
        """min(pi_i(a|x) / b(a|x), clip) of each demon; 1 of one without a target policy.

        **Arguments:** the observation, and the action taken there; `log_b`: the logarithm of the
        probability, or density, that the policy followed gave it; `clip` > 0.

        **Raises:** `ValueError` for a `clip` that is not above 0.
        """
        if not is_traced(clip) and not jnp.all(jnp.asarray(clip) > 0):
            raise ValueError(f"HordeSpec: `clip` must lie in (0, inf], got {clip}.")
        x, taken, behaviour = f32(observation), jnp.asarray(action), f32(log_b)
        ratios = [
            f32(1.0) if policy is None else jnp.exp(policy.log_probability(x, taken) - behaviour)
            for policy in self.target_policies or (None,) * len(self)
        ]
        return jnp.minimum(jnp.stack(ratios), f32(clip))

    def require_on_policy(self, owner: str) -> None:
        """**Raises:** `ValueError` where a question is about another policy than is followed, for a
        learner without ratios: it would answer another question."""
        for name, policy in zip(self.names, self.target_policies, strict=False):
            if policy is not None:
                raise ValueError(
                    f"{owner}: demon {name!r} must have no `target_policy`, for it learns on "
                    "policy; OffPolicyHorde has a use for one."
                )


def _number(value):
    """Exact where the stack is float64; JAX values, traced ones too, stay what they are."""
    return value if isinstance(value, jax.Array) else float(value)


def create_horde_spec(demons: Sequence[GVFSpec]) -> HordeSpec:
    """The spec of these demons, in this order.

    **Raises:** `ValueError` for no demons, or two of one name; `TypeError` for what is no GVFSpec.
    """
    demons = tuple(demons)
    if not demons:
        raise ValueError("`demons` must hold at least one GVFSpec, got none.")
    for demon in demons:
        if not isinstance(demon, GVFSpec):
            raise TypeError(f"`demons` must hold GVFSpecs, got {demon!r}.")
    names = tuple(demon.name for demon in demons)
    policies = tuple(demon.target_policy for demon in demons)
    return HordeSpec(
        names,
        tuple(demon.demon_type for demon in demons),
        tuple(demon.cumulant_index for demon in demons),
        stacked_numbers("`gamma`", [demon.gamma for demon in demons]),
        stacked_numbers("`lamda`", [demon.lamda for demon in demons]),
        stacked_numbers("`terminal_reward`", [demon.terminal_reward for demon in demons]),
        policies if any(policy is not None for policy in policies) else (),
    )


HordeSpec._config_view = ConfigView("demons", tuple[GVFSpec, ...], create_horde_spec)
