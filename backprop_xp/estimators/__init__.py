"""MLPClassifier and MLPRegressor for users of scikit-learn: change one import.

They need `pip install "backprop-xp[sklearn]"`.
"""

try:
    import sklearn  # noqa: F401
except ImportError:
    from backprop_xp.errors import ConfigurationError

    raise ConfigurationError(
        "the estimators build on scikit-learn, which is not installed: pip install "
        '"backprop-xp[sklearn]"'
    ) from None

from backprop_xp.estimators.classifier import MLPClassifier
from backprop_xp.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
