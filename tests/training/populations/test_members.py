"""fit on a population: every member learns what it would learn alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from cases import OPTIMIZERS, optimizer_id

import backprop_xp as bp

MEMBERS = 4


def data(seed=5, rows=23, features=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    return X, (X[:, 0] * X[:, 1] > 0).astype(float)


def population(backend, **options):
    options = {"members": MEMBERS, "dtype": "float64", "seed": 3, **options}
    return bp.Network([3, 5, 1], backend=backend, **options)


def alone(net):
    """The members as networks of their own, which share no memory."""
    return [copy.deepcopy(net.member(k)) for k in range(net.members)]


def same(backend, many, one):
    """To the last bit on NumPy, else to the rounding of another order of summation."""
    many, one = backend.to_numpy(many), backend.to_numpy(one)
    if backend.name in ("cupy", "numba"):
        close = {"rtol": 1e-9, "atol": 1e-12}
        if many.dtype == np.float32:
            close = {"rtol": 1e-4, "atol": 1e-6}
        np.testing.assert_allclose(many, one, **close)
    else:
        np.testing.assert_array_equal(many, one)


def same_history(many, one, rel=1e-12):
    for name in ("loss", "validation_loss", "learning_rate"):
        assert getattr(many, name) == pytest.approx(getattr(one, name), rel=rel), name
    assert many.stopped == one.stopped
    assert many.metrics.keys() == one.metrics.keys()
    for name, values in many.metrics.items():
        assert values == pytest.approx(one.metrics[name]), name


def trained_alike(backend, net, seeds=None, optimizers=None, callbacks=None, **options):
    """Train the population, and every member alone with its seed; compare θ and history."""
    X, Y = data()
    members = alone(net)
    optimizers = optimizers or [bp.Adam(0.02)] * (net.members + 1)
    options = {"epochs": 4, "batch_size": 8, "progress": False, **options}
    called = {} if callbacks is None else {"callbacks": [callbacks()]}
    history = bp.fit(
        net, X, Y, optimizer=copy.copy(optimizers[-1]), seed=seeds or 7, **called, **options
    )
    rounded = backend.name in ("cupy", "numba") and net.theta.dtype == np.float32
    for k, member in enumerate(members):
        called = {} if callbacks is None else {"callbacks": [callbacks()]}
        own_seed = seeds[k] if seeds else 7
        own = bp.fit(
            member, X, Y, optimizer=copy.copy(optimizers[k]), seed=own_seed, **called, **options
        )
        same(backend, net.theta[k, ...], member.theta)
        same_history(history.member(k), own, rel=1e-5 if rounded else 1e-12)
    return history


@pytest.mark.parametrize("seeds", [None, [3, 1, 4, 1]], ids=["one order", "own orders"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_every_optimizer(backend, optimizer, seeds):
    trained_alike(backend, population(backend), seeds, [optimizer] * 5)


def test_float32_too(backend):
    trained_alike(backend, population(backend, dtype="float32"), [3, 1, 4, 1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=optimizer_id)
def test_rates_of_their_own(backend, optimizer):
    rates = [0.01, 0.3, 0.05, 0.002]
    kind = type(optimizer)
    optimizers = [kind(rate) for rate in rates] + [kind(rates)]
    history = trained_alike(
        backend, population(backend), [5, 6, 7, 8], optimizers, schedule=bp.CosineDecay(1)
    )
    assert history.learning_rate[0] == pytest.approx(
        np.array(rates) * history.learning_rate[0][0] / rates[0]
    )


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_penalties_of_their_own(backend, penalty):
    net = population(backend, **{penalty: [0.0, 0.1, 0.02, 0.5]})
    trained_alike(backend, net, clip_norm=0.1)


@pytest.mark.parametrize("seeds", [None, [3, 1, 4, 1]], ids=["one order", "own orders"])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": None},
        {"clip_norm": 0.05},
        {"schedule": bp.OneCycle()},
        {"sample_weight": np.linspace(0.0, 2.0, 23)},
        {"class_weight": "balanced"},
        {"validation_data": data(6, 9)},
    ],
    ids=lambda options: next(iter(options)),
)
def test_every_option(backend, options, seeds):
    trained_alike(backend, population(backend, l2=0.01), seeds, **options)


def test_rows_held_out_are_the_same_for_all(backend):
    history = trained_alike(backend, population(backend), validation_fraction=0.3)
    assert history.metrics["validation_accuracy"][-1].shape == (MEMBERS,)


@pytest.mark.parametrize("seeds", [None, [3, 1, 4, 1]], ids=["one pattern", "own patterns"])
def test_dropout(backend, seeds):
    trained_alike(backend, population(backend, dropout=0.4), seeds)


@pytest.mark.parametrize(
    ("output", "loss", "sizes"),
    [("softmax", None, [3, 4, 3]), ("identity", None, [3, 4, 2]), ("identity", "huber", [3, 2])],
)
def test_other_outputs(backend, output, loss, sizes):
    X, _ = data()
    targets = (X[:, 0] > 0) + (X[:, 1] > 0) if output == "softmax" else X[:, : sizes[-1]] ** 2
    net = bp.Network(sizes, output=output, loss=loss, members=3, dtype="float64", backend=backend)
    members = alone(net)
    options = {"epochs": 3, "batch_size": 5, "validation_data": (X, targets), "progress": False}
    history = bp.fit(net, X, targets, **options)
    for k, member in enumerate(members):
        own = bp.fit(member, X, targets, **options)
        same(backend, net.theta[k, ...], member.theta)
        same_history(history.member(k), own)


def test_one_member_is_a_population(backend):
    history = trained_alike(backend, population(backend, members=1), [4])
    assert history.loss[0].shape == (1,)


def test_a_memory_map(backend, tmp_path):
    X, Y = data()
    path = tmp_path / "X.npy"
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    for seed in (0, [4, 3, 2, 1]):
        nets = population(backend), population(backend)
        for net, given in zip(nets, (X, mapped), strict=True):
            bp.fit(net, given, Y, epochs=2, batch_size=4, seed=seed, progress=False)
        same(backend, nets[0].theta, nets[1].theta)


# -- early stopping ----------------------------------------------------------------------------


@pytest.mark.parametrize("restore_best", [True, False])
@pytest.mark.parametrize("seeds", [None, [3, 1, 4, 1]], ids=["one order", "own orders"])
def test_members_stop_one_by_one(backend, seeds, restore_best):
    net = population(backend, l2=[0.0, 0.3, 0.01, 2.0])
    history = trained_alike(
        backend,
        net,
        seeds,
        epochs=30,
        validation_data=data(6, 9),
        callbacks=lambda: bp.EarlyStopping(patience=2, restore_best=restore_best),
    )
    assert len({len(history.member(k).loss) for k in range(MEMBERS)}) > 1
    assert any("no better validation_loss for 2 epochs" in str(r) for r in history.reasons)


def test_the_run_ends_with_its_last_member(backend):
    net, (X, Y) = population(backend), data()
    stopping = bp.EarlyStopping(patience=1, min_delta=10.0)
    history = bp.fit(net, X, Y, epochs=50, callbacks=[stopping], progress=False)
    assert history.stopped == "every member has stopped"
    assert len(history.loss) == 2
    assert stopping.best_epoch == [1] * MEMBERS


def test_figures_of_a_frozen_member_are_nan(backend):
    class FreezeTwo(bp.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 2:
                run.freeze(1, "enough")

    net, (X, Y) = population(backend), data()
    history = bp.fit(net, X, Y, epochs=4, callbacks=[FreezeTwo()], progress=True)
    assert [bool(np.isnan(loss[1])) for loss in history.loss] == [False, False, True, True]
    assert len(history.member(1).loss) == 2
    assert history.member(1).stopped == "enough"
    assert history.member(0).stopped is None


def test_a_single_network_is_not_frozen(backend):
    class Freeze(bp.Callback):
        def on_epoch_end(self, run):
            run.freeze(0, "enough")

    X, Y = data()
    with pytest.raises(bp.ConfigurationError, match=r"use run\.stop"):
        bp.fit(bp.Network([3, 1], backend=backend), X, Y, callbacks=[Freeze()], progress=False)


def test_a_figure_that_no_member_has(backend):
    """r2 of targets that do not vary."""
    X, _ = data()
    net = bp.Network([3, 1], output="identity", members=2, backend=backend)
    options = {"epochs": 1, "validation_data": (X, np.ones(23)), "progress": True}
    history = bp.fit(net, X, np.ones(23), **options)
    assert np.isnan(history.latest()["validation_r2"])


# -- divergence --------------------------------------------------------------------------------


def test_divergence_names_the_member(backend):
    X, Y = data()
    net = bp.Network(
        [3, 5, 1], "relu", "identity", members=3, dtype="float64", backend=backend, seed=1
    )
    rates = [0.001, 1e80, 0.002]
    single = copy.deepcopy(net.member(1))
    with pytest.raises(bp.DivergenceError) as alone_error:
        bp.fit(single, 100 * X, Y, optimizer=bp.SGD(1e80), batch_size=4, progress=False)
    with pytest.raises(bp.DivergenceError, match="member 1") as error:
        bp.fit(net, 100 * X, Y, optimizer=bp.SGD(rates), batch_size=4, progress=False)
    assert error.value.member == 1
    for name in ("epoch", "batch", "layer"):
        assert getattr(error.value, name) == getattr(alone_error.value, name)
    assert np.isfinite(backend.to_numpy(net.theta)).all()
    same(backend, net.theta[1, ...], single.theta)


# -- checkpoints -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"ends": [None] * 3},
        {"ends": [None, None, None, 9], "reasons": [None, None, None, "so"]},
        {"reasons": [None, None, None, "so"]},
        {"reasons": "none"},
        {"loss": [[0.1, 0.2]]},
        {"loss": [0.1, 0.2]},
        {"loss": [["a", "b", "c", "d"]]},
        {"learning_rate": "fast"},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_damaged_history_is_refused(tmp_path, change):
    from backprop_xp import storage

    X, Y = data()
    path = tmp_path / "run.safetensors"
    net = population("numpy")
    bp.fit(net, X, Y, epochs=1, callbacks=[bp.Checkpoint(path)], progress=False)
    arrays, document = storage.read(path)
    document["run"]["history"] |= change
    storage.write(path, arrays, document)
    before = net.theta.copy()
    with pytest.raises(bp.CheckpointError, match="no complete run"):
        bp.fit(net, X, Y, epochs=2, resume=path, progress=False)
    np.testing.assert_array_equal(before, net.theta)


@pytest.mark.parametrize(
    "change",
    [{"best_epoch": [1]}, {"best": [0.1]}, {"best": 0.1}, {"waited": ["a"] * 4}, {"waited": None}],
    ids=str,
)
def test_a_damaged_stopping_is_refused(tmp_path, change):
    from backprop_xp import storage

    X, Y = data()
    path = tmp_path / "run.safetensors"
    net, stopping = population("numpy"), bp.EarlyStopping()
    bp.fit(net, X, Y, epochs=1, callbacks=[stopping, bp.Checkpoint(path)], progress=False)
    arrays, document = storage.read(path)
    document["run"]["callbacks"][0] |= change
    storage.write(path, arrays, document)
    with pytest.raises(bp.CheckpointError):
        bp.fit(net, X, Y, epochs=2, callbacks=[bp.EarlyStopping()], resume=path, progress=False)


@pytest.mark.parametrize("name", ["dropout_seed", "generator"])
@pytest.mark.parametrize("value", [[1, 2], 1, ["a"] * 4, {}], ids=str)
def test_a_damaged_order_is_refused(tmp_path, name, value):
    from backprop_xp import storage

    X, Y = data()
    path = tmp_path / "run.safetensors"
    net = population("numpy", dropout=0.1)
    options = {"seed": [1, 2, 3, 4], "batch_size": 4, "progress": False}
    bp.fit(net, X, Y, epochs=1, callbacks=[bp.Checkpoint(path)], **options)
    arrays, document = storage.read(path)
    document["run"][name] = value
    storage.write(path, arrays, document)
    with pytest.raises(bp.CheckpointError, match="no complete run"):
        bp.fit(net, X, Y, epochs=2, resume=path, **options)


class Killed(Exception):
    pass


class KillAfter(bp.Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, run):
        if run.epoch > self.epoch:
            raise Killed


@pytest.mark.parametrize("seeds", [7, [3, 1, 4, 1]], ids=["one order", "own orders"])
def test_a_killed_run_goes_on(backend, tmp_path, seeds):
    X, Y = data()
    path = tmp_path / "run.safetensors"

    def run(net, *callbacks, **options):
        stopping = bp.EarlyStopping(patience=2)
        return bp.fit(
            net,
            X,
            Y,
            epochs=14,
            batch_size=8,
            optimizer=bp.Adam([0.01, 0.3, 0.05, 0.002]),
            seed=seeds,
            validation_data=data(6, 9),
            callbacks=[stopping, *callbacks],
            progress=False,
            **options,
        )

    options = {"dropout": 0.2, "l2": [0.0, 0.3, 0.01, 2.0]}
    whole = population(backend, **options)
    history = run(whole)
    assert any(end is not None for end in history.ends)
    for killed_after in (1, 4, 7):
        with pytest.raises(Killed):
            run(population(backend, **options), bp.Checkpoint(path), KillAfter(killed_after))
        resumed = population(backend, **options)
        again = run(resumed, resume=path)
        same(backend, whole.theta, resumed.theta)
        for k in range(MEMBERS):
            same_history(again.member(k), history.member(k))


def test_a_checkpoint_of_another_population_is_refused(backend, tmp_path):
    X, Y = data()
    path = tmp_path / "run.safetensors"
    bp.fit(population(backend), X, Y, epochs=1, callbacks=[bp.Checkpoint(path)], progress=False)
    assert bp.load(path, backend=backend).members == MEMBERS
    for members in (None, 3):
        net = population(backend, members=members)
        before = backend.to_numpy(net.theta).copy()
        with pytest.raises(bp.CheckpointError, match="members"):
            bp.fit(net, X, Y, epochs=2, resume=path, progress=False)
        np.testing.assert_array_equal(before, backend.to_numpy(net.theta))


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seed": [1, 2]}, bp.ShapeError, "seed lists 2 values, but there are 4 members"),
        ({"seed": [1, 2, 3, -4]}, bp.ConfigurationError, "integers ≥ 0"),
        ({"optimizer": bp.SGD([0.1] * 5)}, bp.ShapeError, "learning_rate lists 5"),
        ({"schedule": bp.ReduceOnPlateau()}, bp.ConfigurationError, "ReduceOnPlateau follows"),
        (
            {"seed": [1, 2, 3, 4], "validation_fraction": 0.2},
            bp.ConfigurationError,
            "a seed for each member",
        ),
        ({"callbacks": [bp.LayerStatistics()]}, bp.ShapeError, "single network"),
    ],
    ids=["seeds", "negative seed", "rates", "plateau", "fraction", "statistics"],
)
def test_what_cannot_be_trained_is_refused_before(backend, options, error, message):
    net, (X, Y) = population(backend), data()
    before = backend.to_numpy(net.theta).copy()
    with pytest.raises(error, match=message):
        bp.fit(net, X, Y, progress=False, **options)
    np.testing.assert_array_equal(before, backend.to_numpy(net.theta))


def test_data_for_each_member_are_refused(backend):
    net, (X, Y) = population(backend), data()
    with pytest.raises(bp.ShapeError, match="X has the shape"):
        bp.fit(net, np.stack([X] * MEMBERS), Y)


def test_rates_for_a_single_network_are_refused(backend):
    X, Y = data()
    net = bp.Network([3, 1], backend=backend)
    with pytest.raises(bp.ShapeError, match="a single network"):
        bp.fit(net, X, Y, optimizer=bp.SGD([0.1, 0.2]))


def test_a_picture_of_a_population_is_refused(backend):
    net, (X, Y) = population(backend), data()
    history = bp.fit(net, X, Y, epochs=1, progress=False)
    with pytest.raises(bp.ConfigurationError, match=r"history\.member"):
        history.plot()
    with pytest.raises(IndexError, match="0 … 3"):
        history.member(4)
