"""What a run tells is plain numbers, whatever BACKEND says and wherever the data are."""

from __future__ import annotations

import json

import numpy as np
import pytest

import backprop_xp as bp

OPTIONS = {"epochs": 3, "progress": False}


@pytest.fixture(params=["host", "device"])
def data(request, backend, monkeypatch, rng):
    """X (40, 3) and labels, on the host or on the device; BACKEND names the backend."""
    monkeypatch.setenv("BACKEND", backend.name)
    X = rng.normal(size=(40, 3))
    Y = (X[:, 0] > 0).astype(int)
    return (X, Y) if request.param == "host" else (backend.asarray(X), backend.asarray(Y))


def plain(value):
    """The same through JSON, which takes Python's own numbers only."""
    return json.loads(json.dumps(value, allow_nan=False))


def test_a_history(data, backend):
    X, Y = data
    stopping = bp.EarlyStopping(patience=2)
    weights = Y * 2 + 1
    options = {"sample_weight": weights, "validation_fraction": 0.2, "class_weight": "balanced"}
    net = bp.Network([3, 4, 1])
    history = bp.fit(
        net, X, Y, schedule=bp.ReduceOnPlateau(), callbacks=[stopping], **options, **OPTIONS
    )
    assert net.backend is backend
    assert plain(vars(history)) == vars(history)
    assert len(history.loss) == len(history.metrics["validation_accuracy"]) == 3
    assert plain(stopping.best_epoch) == stopping.best_epoch
    assert type(bp.check_gradients(net, X, Y).max_relative_error) is float


def test_the_history_of_a_population(data):
    X, Y = data
    history = bp.fit(bp.Network([3, 4, 1], members=2), X, Y, validation_data=(X, Y), **OPTIONS)
    figures = [*history.loss, *history.validation_loss, *history.metrics["validation_accuracy"]]
    assert {type(each) for each in figures} == {np.ndarray}
    assert plain(vars(history.member(1))) == vars(history.member(1))


def test_a_table_of_scores(data):
    X, Y = data
    tables = [
        bp.cross_validate([3, 4, 1], X, Y, folds=2, sample_weight=Y + 1, **OPTIONS),
        bp.search([3, 4, 1], X, Y, folds=2, learning_rate=[0.1, 0.01], l2=[0.0, 0.1], **OPTIONS),
    ]
    for table in tables:
        assert plain(table.columns) == table.columns
        assert plain(table.best) == table.best
