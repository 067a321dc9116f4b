"""What every loop asks of an agent: a learner that acts."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Bool, PRNGKeyArray

from ..components.state import AbstractState
from ..interface import ActionSpace
from ..learners import AbstractMeasured

State = TypeVar("State", bound=AbstractState)


class AbstractAgentStep(AbstractState):
    """What one step gave: the state after it, in which `action` is pending, and its metrics.

    `metrics` are named numbers: a dictionary, or a Module. `rejected`: the step taught nothing,
    since what came was no number; the state counts it.
    """

    state: eqx.AbstractVar[Any]
    action: eqx.AbstractVar[Array]
    if TYPE_CHECKING:
        # Type checkers take an AbstractVar for a field that every constructor must be given.
        metrics: ClassVar[Any]
    else:
        metrics: eqx.AbstractVar[Any]
    rejected: eqx.AbstractVar[Bool[Array, ""]]


class AgentStep(AbstractAgentStep):
    """What `act_and_learn` of an agent gave that has nothing to add to the contract."""

    state: Any
    action: Array
    metrics: Any
    rejected: Bool[Array, ""]


class AbstractAgent(AbstractMeasured, Generic[State]):
    """Acts, and learns from what follows, one step at a time.

    A life is `start`, then `act_and_learn` for each step of an environment, whose action is the
    next to be taken. After a step that ended an episode its action belongs to nothing: `start`
    begins the next episode. All that the agent knows of its past is in its state.
    """

    @property
    @abc.abstractmethod
    def action_space(self) -> ActionSpace:
        """What it can do."""

    @abc.abstractmethod
    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> State:
        """The state before a life, for observations of `feature_dim` numbers."""

    @abc.abstractmethod
    def start(self, state: State, observation: Array) -> tuple[Array, State]:
        """The first action of an episode, and the state in which it is pending; traces are cut."""

    @abc.abstractmethod
    def act_and_learn(
        self, state: State, reward: Any, observation: Array, terminated: Any, truncated: Any
    ) -> AbstractAgentStep:
        """Learn that the pending action led to `reward` and `observation`, and choose the next.

        `terminated`: nothing follows, so nothing is bootstrapped; `truncated`: the episode was cut,
        and would have gone on. `observation` is the true final one in both cases.
        """

    @abc.abstractmethod
    def act(
        self, state: State, observation: Array, key: PRNGKeyArray, *, explore: bool = True
    ) -> Array:
        """An action at `observation`; nothing is learned, and the state stays as it is.

        Without `explore` the one that the agent holds to be best.
        """

    def seen(self, state: State, observation: Array) -> State:
        """The state after an observation at which the agent acted and learned nothing.

        For evaluations: what it carries along from one observation to the next. After
        `reset_traces` what it is shown next begins an episode.
        """
        return self._seen(state, observation)

    # An agent that carries nothing along has nothing to say here.
    def _seen(self, state: State, observation: Array) -> State:
        del observation
        return state
