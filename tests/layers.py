"""The packages of the library, in the order in which they may import each other."""

from __future__ import annotations

# From the ground up: a package, or a file beside them, imports from itself and those before it.
LAYERS = [
    "errors",
    "wording",
    "number_checks",
    "datasets",
    "backends",
    "storage",
    "pictures",
    "sources",
    "maths",
    "data",
    "training",
    "insight",
    "model_selection",
    "estimators",
    "tables",
    "cli",
]
