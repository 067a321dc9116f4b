"""Networks: initial weights and forward passes."""

from .mlp import MLPParams as MLPParams
from .mlp import from_interleaved as from_interleaved
from .mlp import hidden as hidden
from .mlp import hidden_activations as hidden_activations
from .mlp import interleaved as interleaved
from .sparse_init import require_sparsity as require_sparsity
from .sparse_init import sparse_init as sparse_init
