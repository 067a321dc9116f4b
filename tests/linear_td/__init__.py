"""Linear value functions."""
