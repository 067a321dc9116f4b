"""Step rules: how an error and a trace become a change of a whole tree of parameters."""

from .abstract import AbstractStepRule as AbstractStepRule
from .abstract import Bootstrap as Bootstrap
from .abstract import StepInfo as StepInfo
from .abstract import beginning_where as beginning_where
from .adaptive import Adaptive as Adaptive
from .adaptive_obgd import AdaptiveObGD as AdaptiveObGD
from .alpha_bound import AlphaBound as AlphaBound
from .choice import step_rule_of as step_rule_of
from .from_optax import FromOptax as FromOptax
from .implicit import Implicit as Implicit
from .implicit_td import ImplicitTD as ImplicitTD
from .intentional import Intentional as Intentional
from .obgd import StreamObGD as StreamObGD
from .per_tensor import PerTensor as PerTensor
from .per_tensor import PerTensorState as PerTensorState
from .per_tensor import renewed_tensor as renewed_tensor
