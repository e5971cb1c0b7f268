"""Warnings name the line of the user's that called, through whatever it called."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import backprop_xp as bp
from backprop_xp.estimators import MLPClassifier, MLPRegressor

X = np.arange(24.0).reshape(12, 2) / 24
Y = np.arange(12) % 2


class Interrupt(bp.Callback):
    def on_epoch_end(self, run):
        raise KeyboardInterrupt


def points_here(record, line):
    """Whether the only warning names this line of this file."""
    (warning,) = record
    return (warning.filename, warning.lineno) == (__file__, line)


def line_above():
    return inspect.currentframe().f_back.f_lineno - 1


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("scaled", [False, True])
def test_iterations_that_were_too_few(kind, scaled):
    model = kind(hidden_layer_sizes=4, max_iter=1)
    model = make_pipeline(StandardScaler(), model) if scaled else model
    with pytest.warns(ConvergenceWarning, match="Maximum iterations") as record:
        model.fit(X, Y)
    line = line_above()
    assert points_here(record, line)


def test_an_interruption():
    with pytest.warns(UserWarning, match="interrupted") as record:
        MLPClassifier(4, callbacks=[Interrupt()]).fit(X, Y)
    line = line_above()
    assert points_here(record, line)


def test_a_batch_larger_than_the_data():
    model = MLPClassifier(4, batch_size=50)
    with pytest.warns(UserWarning, match="It is going to be clipped") as record:
        model.partial_fit(X, Y, classes=[0, 1])
    line = line_above()
    assert points_here(record, line)


def test_a_subclass_of_the_users():
    """Its own line calls, not the one that called it."""

    class Own(MLPRegressor):
        def fit(self, X, y):
            return super().fit(X, y)

    line = inspect.getsourcelines(Own.fit)[1] + 1
    with pytest.warns(ConvergenceWarning) as record:
        Own(hidden_layer_sizes=4, max_iter=1).fit(X, Y)
    assert points_here(record, line)
