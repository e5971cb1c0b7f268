"""Real data that come with the package, and small problems made by NumPy.

SOURCES.md beside the real ones has their origins and licences.
"""

from backprop_xp.datasets.base import Dataset
from backprop_xp.datasets.embedded import breast_cancer, digits
from backprop_xp.datasets.generated import blobs, circles, curve, moons, spirals, xor

__all__ = [
    "Dataset",
    "blobs",
    "breast_cancer",
    "circles",
    "curve",
    "digits",
    "moons",
    "spirals",
    "xor",
]
