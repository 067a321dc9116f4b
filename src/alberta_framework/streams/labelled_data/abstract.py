"""What all labelled data offer."""

from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx

from ...components.component import AbstractComponent


class AbstractLabelledData(AbstractComponent):
    """Examples in memory: `inputs` [N, d] and the number of the class of each, `labels` [N].

    Both are float32, and traced: others of the same shape do not compile again. The numbers of
    classes are 0, 1, ..., `n_classes` - 1.
    """

    if TYPE_CHECKING:
        # Type checkers take an AbstractVar for a field that every constructor must be given.
        inputs: ClassVar[Any]
        labels: ClassVar[Any]
        n_classes: ClassVar[int]
    else:
        inputs: eqx.AbstractVar[Any]
        labels: eqx.AbstractVar[Any]
        n_classes: eqx.AbstractVar[int]

    @property
    def feature_dim(self) -> int:
        return self.inputs.shape[-1]

    def __len__(self) -> int:
        return self.inputs.shape[0]
