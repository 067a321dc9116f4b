"""How the states of a loop are batched, and where they lie."""

from dataclasses import dataclass
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..compilation.execution_plan import execution_plan


@dataclass(frozen=True)
class Lanes:
    """The leading axes of the states that `drive` carries; learner and stream are shared.

    The states of learners and of streams have a leading axis of lanes, learned from side by side.

    **Arguments:**

    - `shared_stream`: all lanes learn from the same experience, and the stream's state has no axis.
    - `members`: each lane carries several learners, along the second axis of the learners' state,
      that learn from the lane's experience.
    - `mesh`: devices along one axis `"lanes"`, which divide the lanes among them; the states lie
      where `placed` puts them.
    """

    shared_stream: bool = False
    members: bool = False
    mesh: Mesh | None = None

    @property
    def axes(self) -> int:
        """How many axes lie before those of a learner's own arrays."""
        return 1 + self.members

    def count(self, state: Any) -> tuple[int, int]:
        """How many lanes, and members of each."""
        lanes, members, *_ = (*jax.tree.leaves(state)[0].shape[: self.axes], 1)
        return lanes, members

    def one(self, state: Any) -> Any:
        """The state of the first learner."""
        return jax.tree.map(lambda a: a[(0,) * self.axes], state)

    def first(self, state: Any, stream_state: Any) -> tuple[Any, Any]:
        """The state of the first learner and of its stream."""
        if not self.shared_stream:
            stream_state = jax.tree.map(lambda a: a[0], stream_state)
        return self.one(state), stream_state

    def over_states(self, fn: Any) -> Any:
        """`fn(state)` for the state of every learner."""
        for _ in range(self.axes):
            fn = jax.vmap(fn)
        return fn

    def drawing(self, fn: Any) -> Any:
        """`fn(stream_state)`, which draws experience, for all streams; lanes come before time.

        A processor draws for one lane after the other, what fits its first cache at a time.
        """
        if self.shared_stream:
            return fn
        if execution_plan().uses("unrolled keys"):
            return lambda stream_states: jax.lax.map(fn, stream_states)
        return jax.vmap(fn)

    def steps_of(self, experience: Any) -> int:
        """How many steps the experience of all lanes holds."""
        return jax.tree.leaves(experience)[0].shape[0 if self.shared_stream else 1]

    def learning(self, fn: Any) -> Any:
        """`fn(state, tapes, experience)` for all learners."""
        if self.members:
            fn = jax.vmap(fn, in_axes=(0, 0, None))
        return jax.vmap(fn, in_axes=(0, 0, None if self.shared_stream else 0))

    def one_by_one(self, fn: Any) -> Any:
        """`fn(state, tapes, experience)` for all learners, one after the other."""

        def of_lane(own, experience):
            if not self.members:
                return fn(*own, experience)
            return jax.lax.map(lambda member: fn(*member, experience), own)

        def of_all(state, tapes, experience):
            own = state, tapes
            if self.shared_stream:
                return jax.lax.map(lambda lane: of_lane(lane, experience), own)
            return jax.lax.map(lambda lane: of_lane(*lane), (own, experience))

        return of_all

    def divided(self, fn: Any) -> Any:
        """`fn(fixed, states, stream_states)`, which gives such a pair, on the mesh's devices.

        `states` and `stream_states` may be trees of them and of other arrays that begin so; `fixed`
        is the same everywhere.
        """
        if self.mesh is None:
            return fn
        own, whole = PartitionSpec("lanes"), PartitionSpec()
        specs = own, whole if self.shared_stream else own
        shared = {"mesh": self.mesh, "check_vma": False}
        return jax.shard_map(fn, in_specs=(whole, *specs), out_specs=specs, **shared)

    def placed(self, state: Any, stream_state: Any) -> tuple[Any, Any]:
        """The states divided among the devices of the mesh."""
        if self.mesh is None:
            return state, stream_state
        own = NamedSharding(self.mesh, PartitionSpec("lanes"))
        state = jax.device_put(state, own)
        if self.shared_stream:
            return state, self.everywhere(stream_state)
        return state, jax.device_put(stream_state, own)

    def everywhere(self, tree: Any) -> Any:
        """Arrays that are the same on all devices of the mesh, on each of them."""
        if self.mesh is None:
            return tree
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec()))
