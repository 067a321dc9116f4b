"""Settings shared by every test."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
