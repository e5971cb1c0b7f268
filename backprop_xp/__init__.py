"""The mathematics of backpropagation, written once over the array API, on NumPy or CuPy."""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from backprop_xp import datasets, sources
from backprop_xp.backends import get_backend
from backprop_xp.backends.base import Backend
from backprop_xp.errors import (
    BackendError,
    BackpropError,
    CheckpointError,
    ConfigurationError,
    DataError,
    DivergenceError,
    ShapeError,
)
from backprop_xp.insight.gradcheck import check_gradients
from backprop_xp.insight.gradient_report import GradientReport
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.loading import load
from backprop_xp.maths.network import Network
from backprop_xp.maths.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, RMSprop
from backprop_xp.training.callbacks import Callback
from backprop_xp.training.checkpoint import Checkpoint
from backprop_xp.training.early_stopping import EarlyStopping
from backprop_xp.training.fit import fit
from backprop_xp.training.history import History
from backprop_xp.training.populations.history import PopulationHistory
from backprop_xp.training.schedules import (
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
)
from backprop_xp.training.step import train_step

if TYPE_CHECKING:
    from backprop_xp import estimators as estimators
    from backprop_xp.insight.decision_boundary import plot_decision_boundary
    from backprop_xp.insight.explain import explain
    from backprop_xp.insight.explanation import Explanation
    from backprop_xp.insight.history_plot import plot_history
    from backprop_xp.insight.layer_statistics import LayerStatistics
    from backprop_xp.model_selection.cross_validation import cross_validate
    from backprop_xp.model_selection.score_table import ScoreTable
    from backprop_xp.model_selection.search import search

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "Backend",
    "BackendError",
    "BackpropError",
    "Callback",
    "Checkpoint",
    "CheckpointError",
    "ConfigurationError",
    "ConstantRate",
    "CosineDecay",
    "DataError",
    "DivergenceError",
    "EarlyStopping",
    "Explanation",
    "ExponentialDecay",
    "GradientReport",
    "History",
    "LayerStatistics",
    "Momentum",
    "Nesterov",
    "Network",
    "OneCycle",
    "PopulationHistory",
    "RMSprop",
    "ReduceOnPlateau",
    "Schedule",
    "ScoreTable",
    "ShapeError",
    "StepDecay",
    "check_gradients",
    "cross_validate",
    "datasets",
    "explain",
    "fit",
    "get_backend",
    "load",
    "plot_decision_boundary",
    "plot_history",
    "search",
    "sources",
    "train_step",
]

# Imported when they are first asked for: training does without.
_LATER = {
    "Explanation": "backprop_xp.insight.explanation",
    "LayerStatistics": "backprop_xp.insight.layer_statistics",
    "explain": "backprop_xp.insight.explain",
    "plot_decision_boundary": "backprop_xp.insight.decision_boundary",
    "ScoreTable": "backprop_xp.model_selection.score_table",
    "cross_validate": "backprop_xp.model_selection.cross_validation",
    "plot_history": "backprop_xp.insight.history_plot",
    "search": "backprop_xp.model_selection.search",
}


def __getattr__(name: str) -> Any:
    if name == "estimators":  # which need scikit-learn
        return importlib.import_module("backprop_xp.estimators")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    found = {"estimators"} if importlib.util.find_spec("sklearn") else set()
    return sorted({*globals(), *__all__, *found})
