"""Nexting."""
