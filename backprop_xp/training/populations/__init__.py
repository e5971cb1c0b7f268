"""Populations: many networks that train in one pass."""
