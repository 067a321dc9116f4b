"""The actions of a space, as agents number them."""

from typing import Any

import numpy as np

from .package import gymnasium_package


def space_action(action: Any, space: Any) -> Any:
    """The action of a Gymnasium Discrete space that agents call `action`, 0 to n - 1.

    That is the space's `start` + `action`: an `int`, or a number of the space's own dtype where
    that is not Gymnasium's default. The loops do it themselves; it is for a loop of your own.

    **Raises:** `ValueError` for a space that is not Discrete, or an action that it does not have;
    `TypeError` for an action that is no integer.
    """
    actions = SpaceActions("space_action", space)
    number = np.asarray(action)
    if number.dtype.kind not in "iu" or number.shape != ():
        raise TypeError(f"space_action: `action` must be an integer, got {action!r}.")
    if not 0 <= number < actions.n:
        raise ValueError(
            f"space_action: `action` must lie in 0 .. {actions.n - 1} for {space}, got {action}."
        )
    return actions.own(int(number))


class SpaceActions:
    """The actions of a Discrete space: number i of an agent is the space's own `start` + i.

    **Raises:** `ValueError` that starts with `where` for another space.
    """

    def __init__(self, where: str, space: Any):
        if not isinstance(space, gymnasium_package().spaces.Discrete):
            raise ValueError(
                f"{where}: the actions must be Discrete, got {space}; choose some of them with "
                "gymnasium.wrappers.TransformAction(env, lambda i: ..., "
                "gymnasium.spaces.Discrete(n))."
            )
        self.n, self.start = int(space.n), int(space.start)
        self._dtype = np.dtype(space.dtype)
        self._kind = int if self._dtype == np.int64 else self._dtype.type

    def own(self, number: int) -> Any:
        """The space's own action, with the type that the space holds."""
        return self._kind(self.start + number)

    def batch(self, numbers: np.ndarray) -> np.ndarray:
        """The space's own actions, as vector environments take them."""
        return (self.start + numbers).astype(self._dtype)

    def own_of(self, words: np.ndarray) -> Any:
        """`own` of the 32-bit words of an agent's action."""
        return self._kind(self.start + words.item(0))

    def batch_of(self, words: np.ndarray) -> np.ndarray:
        """`batch` of the 32-bit words of the actions of agents, a row for each."""
        return self.batch(words[:, 0].view(np.int32))

    def each_of(self, words: np.ndarray) -> list[Any]:
        """`own` of the words of the actions of agents, a row for each."""
        return [self._kind(self.start + number) for number in words[:, 0].view(np.int32).tolist()]

    def numbers(self, actions: np.ndarray) -> np.ndarray:
        """How agents number actions of the space, int32."""
        return (actions.astype(np.int64) - self.start).astype(np.int32)


class BoxSpaceActions:
    """The actions of a Box: an agent's numbers in the shape and the dtype of the space."""

    def __init__(self, space: Any):
        self._shape, self._dtype = tuple(space.shape), np.dtype(space.dtype)

    def own_of(self, words: np.ndarray) -> np.ndarray:
        """The space's own action, of the 32-bit words of an agent's."""
        return words.view(np.float32).astype(self._dtype).reshape(self._shape)

    def batch_of(self, words: np.ndarray) -> np.ndarray:
        """The space's own actions, of the words of the actions of agents, a row for each."""
        numbers = words.view(np.float32).astype(self._dtype)
        return numbers.reshape(len(words), *self._shape)

    def each_of(self, words: np.ndarray) -> list[np.ndarray]:
        """The same, one by one."""
        return list(self.batch_of(words))
