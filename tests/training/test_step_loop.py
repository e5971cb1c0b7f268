"""Steps that are taken some at a time are those that are taken batch by batch, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.training import epoch_losses, run

# 21 batches of 5 rows and one of 3.
ROWS, SIZE = 108, 5


class EveryBatch(bp.Callback):
    """Wants to be told after every batch, so steps are taken one by one."""

    def on_batch_end(self, run):
        pass


def data(outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    Y = rng.integers(max(outputs, 2), size=ROWS)
    return rng.standard_normal((ROWS, 6)).astype("f4"), Y


NETWORKS = {
    "plain": {},
    "penalties": {"l2": 0.1, "l1": 0.01},
    "dropout": {"dropout": 0.3},
    "population": {"members": 3},
    "population with dropout": {"members": 3, "dropout": [0.2]},
    "population with penalties": {"members": 2, "l2": [0.0, 0.1]},
    "float64": {"dtype": "float64"},
}
FITS = {
    "plain": {},
    "adam": {"optimizer": bp.Adam(1e-2)},
    "sgd with a schedule": {"optimizer": bp.SGD(0.1), "schedule": bp.CosineDecay(warmup=1)},
    "plateau": {"schedule": bp.ReduceOnPlateau(patience=1, min_delta=10.0)},
    "weights": {"sample_weight": np.linspace(0.0, 2.0, ROWS)},
    "class weights": {"class_weight": {0: 1.0, 1: 5.0}},
    "clipping": {"clip_norm": 0.1},
    "held out": {"validation_fraction": 0.25},
    "one batch": {"batch_size": None},
    "stopping": {"validation_fraction": 0.2, "epochs": 9, "stop": True},
}


def trained(backend, network, options, callbacks=()):
    net = bp.Network([6, 4, 1], "tanh", "sigmoid", seed=1, backend=backend, **network)
    options = {"batch_size": SIZE, "epochs": 3, **options}
    stopping = [bp.EarlyStopping(patience=2)] if options.pop("stop", False) else []
    history = bp.fit(net, *data(), callbacks=[*callbacks, *stopping], **options)
    return backend.to_numpy(net.theta), history


# ReduceOnPlateau follows the figures of one network.
CASES = [(n, f) for n in NETWORKS for f in FITS if "population" not in n or f != "plateau"]


@pytest.mark.parametrize(("network", "options"), CASES)
def test_some_at_a_time_is_one_by_one(backend, network, options):
    theta, history = trained(backend, NETWORKS[network], FITS[options])
    expected, told = trained(backend, NETWORKS[network], FITS[options], [EveryBatch()])
    assert np.array_equal(theta, expected)
    assert np.array_equal(history.loss, told.loss)
    assert np.array_equal(history.learning_rate, told.learning_rate)
    assert history.stopped == told.stopped


@pytest.mark.parametrize("optimizer", [bp.SGD, bp.Momentum, bp.Adam])
def test_every_member_has_its_own_rate(backend, optimizer):
    options = {"optimizer": optimizer([1e-3, 1e-2, 1e-1]), "schedule": bp.ExponentialDecay(0.9)}
    theta, _ = trained(backend, {"members": 3}, options)
    expected, _ = trained(backend, {"members": 3}, options, [EveryBatch()])
    assert np.array_equal(theta, expected)


@pytest.mark.parametrize(("at_once", "looked_at"), [(1, 3), (4, 1024), (64, 7), (64, 1024)])
def test_it_does_not_matter_how_many_at_a_time(backend, monkeypatch, at_once, looked_at):
    expected, told = trained(backend, {"dropout": 0.3}, FITS["adam"], [EveryBatch()])
    monkeypatch.setattr(run, "_FIRST_AT_ONCE", at_once)
    monkeypatch.setattr(epoch_losses, "_STEPS_BETWEEN_READS", looked_at)
    theta, history = trained(backend, {"dropout": 0.3}, FITS["adam"])
    assert np.array_equal(theta, expected)
    assert history.loss == told.loss


def test_a_run_goes_on_from_a_checkpoint(backend, tmp_path):
    path = tmp_path / "run"
    trained(backend, {"dropout": 0.3}, {"epochs": 2}, [bp.Checkpoint(path)])
    theta, _ = trained(backend, {"dropout": 0.3}, {"epochs": 4, "resume": path})
    expected, _ = trained(backend, {"dropout": 0.3}, {"epochs": 4})
    assert np.array_equal(theta, expected)


def test_divergence_is_found_in_the_same_batch(backend):
    errors = []
    for callbacks in ([], [EveryBatch()]):
        net = bp.Network([6, 4, 1], "relu", "identity", seed=1, backend=backend)
        X, Y = data()
        with pytest.raises(bp.DivergenceError) as caught:
            bp.fit(net, X * 100, Y, batch_size=SIZE, optimizer=bp.SGD(10.0), callbacks=callbacks)
        theta = backend.to_numpy(net.theta)
        assert np.isfinite(theta).all()
        errors.append((str(caught.value), theta.tolist()))
    assert errors[0] == errors[1]


def test_a_second_fit_of_other_data_reads_those(backend):
    net = bp.Network([6, 4, 1], seed=1, backend=backend)
    twin = bp.Network([6, 4, 1], seed=1, backend=backend)
    optimizers = bp.Adam(1e-2), bp.Adam(1e-2)
    for seed in (0, 1):
        bp.fit(net, *data(seed=seed), batch_size=SIZE, epochs=2, optimizer=optimizers[0])
        options = {"optimizer": optimizers[1], "callbacks": [EveryBatch()]}
        bp.fit(twin, *data(seed=seed), batch_size=SIZE, epochs=2, **options)
    assert np.array_equal(backend.to_numpy(net.theta), backend.to_numpy(twin.theta))
