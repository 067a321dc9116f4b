"""Steps an environment under a policy, episode after episode."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...components.ranges import require_choice
from ...interface.failure import ContractBroken, EnvironmentFailure
from ...interface.host import HostEnvironment, is_vector
from ...interface.package import gymnasium_package
from ...interface.spaces import ENCODINGS, Flattener
from .policies import Policy, make_random_policy, select_rows
from .seeding import require_seeding, reset_seeds


class Passage(NamedTuple):
    """One step, flat; the arrays of a vector environment have its copies as first axis.

    `taken` is the action as the environment took it. `next_observation` is the true one, also where
    the episode ends. `next_action` was picked there if asked for, else it is None, and zeros after
    a termination. Where not `valid`, the environment only reset itself: nothing that may be learned
    from.
    """

    observation: np.ndarray
    taken: Any
    action: np.ndarray | None
    reward: Any
    next_observation: np.ndarray
    next_action: np.ndarray | None
    terminated: Any
    truncated: Any
    valid: Any


class Walk:
    """One environment; it is reset at the first step, and at the step after the end of an episode.

    `with_actions`: whether passages hold flat actions.
    """

    lead: tuple[int, ...] = ()

    def __init__(
        self,
        owner: str,
        env: Any,
        policy: Policy | None,
        seed: int,
        encoding: str,
        reset_seeding: str,
        with_actions: bool,
    ):
        if is_vector(env):
            raise TypeError(f"{owner}: `env` must be a single environment, got {env}.")
        self.host, self.acted, self.policy = _host_and_policy(
            owner, env, policy, seed, encoding, with_actions
        )
        self.observed = self.host.observed
        require_seeding(owner, seed, reset_seeding)
        self._seeds = reset_seeds(seed, reset_seeding)
        self._observation: np.ndarray | None = None  # None: the next step resets
        self._picked: tuple[Any] | None = None

    def step(self, look_ahead: bool = False) -> Passage:
        """The next step; `look_ahead` asks the policy at once what it does after it.

        An action picked so is the one that the next step takes, unless the episode ended.
        """
        observation = self._observation
        if observation is None:
            observation = self._observation = self.host.reset(seed=next(self._seeds))
        action = self.policy(observation.copy()) if self._picked is None else self._picked[0]
        flat_action = None if self.acted is None else self.acted.one(action)
        following, reward, terminated, truncated, _ = self.host.step(action)
        self._observation = None if terminated or truncated else following
        self._picked = next_action = None
        if look_ahead and self.acted is not None:
            next_action = np.zeros(self.acted.size, np.float32)
            if not terminated:
                picked = self.policy(following.copy())
                next_action = self.acted.one(picked)
                self._picked = None if truncated else (picked,)
        return Passage(
            observation,
            action,
            flat_action,
            reward,
            following,
            next_action,
            terminated,
            truncated,
            True,
        )


class VectorWalk:
    """A Gymnasium vector environment, in any of its autoreset modes.

    `SAME_STEP`: the true last observation is read from `info["final_obs"]`. `NEXT_STEP`: the step
    after an end ignores the action and gives reward 0; it is not valid. `DISABLED`: copies that
    ended are reset here. The first reset of copy i is seeded with the i-th reset seed (`"first"`
    seeds as `"increment"`); later resets go on with each copy's own generator. An
    environment whose copies share a generator (a vector entry point) gets the first seed alone.
    """

    def __init__(
        self,
        owner: str,
        env: Any,
        policy: Policy | None,
        seed: int,
        encoding: str,
        reset_seeding: str,
        with_actions: bool,
    ):
        self.host, self.acted, self.policy = _host_and_policy(
            owner, env, policy, seed, encoding, with_actions
        )
        self.observed = self.host.observed
        self.lead = self.host.lead
        require_seeding(owner, seed, reset_seeding)
        found = env.metadata.get("autoreset_mode")
        self._autoreset = str(getattr(found, "name", found))
        modes = ("SAME_STEP", "NEXT_STEP", "DISABLED")
        require_choice(owner, 'env.metadata["autoreset_mode"]', self._autoreset, modes)
        rule = "increment" if reset_seeding == "first" else reset_seeding
        seeds = reset_seeds(seed, rule)
        self._seeds = [next(seeds) for _ in range(env.num_envs)]
        vector = gymnasium_package().vector
        if not isinstance(env.unwrapped, vector.SyncVectorEnv | vector.AsyncVectorEnv):
            self._seeds = self._seeds[0]
        self._observation: np.ndarray | None = None
        self._picked: tuple[Any] | None = None
        self._ended = np.zeros(env.num_envs, bool)

    def step(self, look_ahead: bool = False) -> Passage:
        """The next step of every copy; see `Walk.step`."""
        observation = self.observation
        actions = self.policy(observation.copy()) if self._picked is None else self._picked[0]
        flat_actions = None if self.acted is None else self.acted.flatten(actions, self.lead)
        returned, rewards, terminated, truncated, info = self.host.step(actions)
        ended = terminated | truncated
        valid = ~self._ended
        following = returned
        if self.resets_late:
            self._ended = ended
        elif ended.any() and self._autoreset == "SAME_STEP":
            following = self._final(returned, ended, info)
        elif ended.any():
            started = self.host.reset(options={"reset_mask": ended.copy()})
            returned = np.where(ended[:, None], started, returned)
        self._observation = returned
        self._picked = next_actions = None
        if look_ahead and self.acted is not None:
            picked = self.policy(following.copy())
            next_actions = self.acted.flatten(picked, self.lead)
            next_actions[terminated] = 0.0
            if ended.any() and not self.resets_late:
                picked = select_rows(ended, self.policy(returned.copy()), picked)
            self._picked = (picked,)
        return Passage(
            observation,
            actions,
            flat_actions,
            rewards,
            following,
            next_actions,
            terminated,
            truncated,
            valid,
        )

    @property
    def observation(self) -> np.ndarray:
        """Where the next step begins: of a copy that ended, the first of its next episode, unless
        it resets itself at the next step."""
        if self._observation is None:
            self._observation = self.host.reset(seed=self._seeds)
        return self._observation

    @property
    def copies(self) -> int:
        """How many."""
        return self.lead[0]

    @property
    def resets_late(self) -> bool:
        """Whether a copy that ended takes its next step to reset."""
        return self._autoreset == "NEXT_STEP"

    def go_on(self) -> None:
        """Nothing is left to do after a step."""

    def _final(self, returned, ended, info) -> np.ndarray:
        following = returned.copy()
        given = np.asarray(info.get("_final_obs", np.zeros_like(ended)))
        if not given[ended].all():
            raise ContractBroken(
                f"{self.host.where}: an episode ended in autoreset mode SAME_STEP, but "
                '`info["final_obs"]` holds no last observation for copies '
                f"{np.flatnonzero(ended & ~given).tolist()}."
            )
        for i in np.flatnonzero(ended):
            following[i] = self.host.flat("step", info["final_obs"][i], ())
        return following


class WalkApart:
    """Single environments side by side, each with its own generator, stepped one by one.

    **Arguments:** `hosts`; `policy`: an action for each of their observations. `seeds`: of their
    first resets. `episodes`: after how many a copy rests, whose steps are not valid; None: never.
    """

    resets_late = False

    def __init__(
        self,
        hosts: Sequence[HostEnvironment],
        policy: Policy,
        seeds: Sequence[int],
        episodes: int | None,
    ):
        self.host, self.copies, self.policy = hosts[0], len(hosts), policy
        self._hosts, self._episodes = list(hosts), episodes
        first = [host.reset(seed=seed) for host, seed in zip(hosts, seeds, strict=True)]
        self.observation = np.stack(first)
        self.finished, self.resting = (np.zeros(len(hosts), kind) for kind in (np.int64, bool))
        self._failure: EnvironmentFailure | None = None

    def step(self) -> Passage:
        """The next step of every copy that does not rest."""
        observation, valid = self.observation, ~self.resting
        actions = self.policy(observation)
        following = observation.copy()
        rewards = np.zeros(self.copies)
        ends = np.zeros((2, self.copies), bool)
        for place in np.flatnonzero(valid).tolist():
            found = self._hosts[place].step(actions[place])
            following[place], rewards[place], *ends[:, place] = found[:4]
        over = ends[0] | ends[1]
        self.finished += over
        if self._episodes is not None:
            self.resting = self.finished == self._episodes
        self.observation = self._begun(following, over & ~self.resting)
        flat_action = next_action = None
        return Passage(
            observation,
            actions,
            flat_action,
            rewards,
            following,
            next_action,
            ends[0],
            ends[1],
            valid,
        )

    def _begun(self, following: np.ndarray, begins: np.ndarray) -> np.ndarray:
        """The observations from which the copies go on."""
        first = following.copy()
        try:
            for place in np.flatnonzero(begins).tolist():
                first[place] = self._hosts[place].reset()
        except EnvironmentFailure as failure:  # the episode that ended is learned to its end
            self._failure = failure
        return first

    def go_on(self) -> None:
        """**Raises:** `EnvironmentFailure` where the next episode of a copy did not begin."""
        if self._failure is not None:
            raise self._failure


def walk_of(owner: str, env: Any, *arguments: Any) -> Walk | VectorWalk:
    """The walk that fits a single or a vector environment."""
    return (VectorWalk if is_vector(env) else Walk)(owner, env, *arguments)


def _host_and_policy(
    owner, env, policy, seed, encoding, with_actions
) -> tuple[HostEnvironment, Flattener | None, Policy]:
    require_choice(owner, "encoding", encoding, ENCODINGS)
    require_choice(owner, "include_action_in_features", with_actions, (True, False))
    host = HostEnvironment(owner, env, encoding)
    acted = host.flattener_of("action", encoding) if with_actions else None
    if policy is None:
        policy = make_random_policy(env, seed)
    elif not callable(policy):
        raise TypeError(f"{owner}: `policy` must be callable or None, got {policy!r}.")
    return host, acted, policy
