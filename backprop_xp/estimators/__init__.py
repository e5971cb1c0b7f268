"""MLPClassifier and MLPRegressor for users of scikit-learn: change one import."""

from backprop_xp.estimators.classifier import MLPClassifier
from backprop_xp.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
