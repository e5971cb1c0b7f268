"""Contenders of the population benchmark: many small networks, and a search over settings."""
