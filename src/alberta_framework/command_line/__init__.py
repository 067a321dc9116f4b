"""The command `alberta`."""
