"""Networks: initial weights and forward passes."""

from .abstract import AbstractNetwork as AbstractNetwork
from .abstract import Layers as Layers
from .linear import LinearNetwork as LinearNetwork
from .linear import LinearParams as LinearParams
from .minatar import MinAtarNetwork as MinAtarNetwork
from .mlp import MLPParams as MLPParams
from .mlp import from_interleaved as from_interleaved
from .mlp import hidden as hidden
from .mlp import hidden_activations as hidden_activations
from .mlp import interleaved as interleaved
from .sizes import sizes as sizes
from .sparse_init import require_sparsity as require_sparsity
from .sparse_init import sparse_init as sparse_init
from .sparse_layers import sparse_layers as sparse_layers
from .stream_mlp import StreamMLP as StreamMLP
from .unit_feature_mlp import UnitFeatureMLP as UnitFeatureMLP
