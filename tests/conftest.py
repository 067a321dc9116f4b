"""Settings shared by every test."""

import jax
from hypothesis import settings

jax.config.update("jax_numpy_rank_promotion", "raise")

# A first example compiles, on a machine of any speed: time decides nothing here.
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")
