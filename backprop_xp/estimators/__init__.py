"""MLPClassifier and MLPRegressor for users of scikit-learn: change one import.

They need `pip install "backprop-xp[sklearn]"`.
"""

try:
    import sklearn  # noqa: F401
except ImportError as problem:
    # An ImportError, as every import that fails: callers may try the import, and go without.
    raise ImportError(
        "the estimators build on scikit-learn, which is not installed: pip install "
        '"backprop-xp[sklearn]"'
    ) from problem

from backprop_xp.estimators.classifier import MLPClassifier
from backprop_xp.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
