"""What an agent gives under a name that the loop gives too."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.lives.test_own_agents import Field, Wanderer


@pytest.mark.parametrize("name", ["reward", "episode_return", "episode_length"])
def test_a_metric_of_the_agent_is_never_replaced_without_a_word(name):
    """It is kept, or its name is refused: numbers and names travel together."""
    try:
        found = af.interact(Wanderer(lives=True, names=(name,)), Field(), 4, jax.random.key(0))
    except (TypeError, ValueError) as error:
        assert name in str(error)
    else:
        np.testing.assert_array_equal(found.metrics[name], [2.0, 3.0, 4.0, 5.0])
