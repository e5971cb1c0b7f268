"""After a run, its file holds the weights that the network then has, and how the run goes on."""

from __future__ import annotations

import os

import numpy as np
import pytest
import source_forms

import backprop_xp as bp
from backprop_xp.storage import read


def data():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(50, 4))
    return X, (X[:, 0] + rng.normal(size=50) > 0).astype(int)


def train(backend, path, epochs=12, members=None, callbacks=None, **options):
    """A run whose best epoch is not its last."""
    net = bp.Network([4, 8, 1], "relu", seed=3, members=members, backend=backend)
    if callbacks is None:
        callbacks = [bp.EarlyStopping(patience=3)]
    options = {"optimizer": bp.Adam(0.1), "batch_size": 16, "validation_fraction": 0.4, **options}
    callbacks = [bp.Checkpoint(path), *callbacks]
    return net, bp.fit(net, *data(), epochs=epochs, callbacks=callbacks, **options)


def saved(path, backend):
    return backend.to_numpy(bp.load(path, backend=backend).theta)


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("epochs", [4, 40])  # that patience ends, and that it does not
def test_the_file_has_the_weights_that_fit_returned(backend, tmp_path, members, epochs):
    path = tmp_path / "run.safetensors"
    net, history = train(backend, path, epochs=epochs, members=members)
    np.testing.assert_array_equal(saved(path, backend), backend.to_numpy(net.theta))
    assert (history.stopped is not None) == (epochs == 40)
    last = read(path)[0]["last theta"]
    assert not np.array_equal(last, backend.to_numpy(net.theta))


def test_a_run_that_did_not_end_early_goes_on_bit_for_bit(backend, tmp_path):
    """From the weights of its last epoch, not from the best ones."""
    path, other = tmp_path / "run.safetensors", tmp_path / "other.safetensors"
    patience = 50
    train(backend, path, epochs=9, callbacks=[bp.EarlyStopping(patience)])
    assert "last theta" in read(path)[0]
    resumed, one = train(
        backend, other, epochs=12, callbacks=[bp.EarlyStopping(patience)], resume=path
    )
    whole, two = train(backend, other, epochs=12, callbacks=[bp.EarlyStopping(patience)])
    np.testing.assert_array_equal(*(backend.to_numpy(net.theta) for net in (resumed, whole)))
    assert one.loss == two.loss


def test_a_run_that_has_ended_early_has_nothing_to_go_on_with(backend, tmp_path):
    path = tmp_path / "run.safetensors"
    net, history = train(backend, path, epochs=40)
    for _ in range(2):
        again, resumed = train(backend, path, epochs=80, resume=path)
        np.testing.assert_array_equal(*(backend.to_numpy(n.theta) for n in (net, again)))
        np.testing.assert_array_equal(saved(path, backend), backend.to_numpy(net.theta))
        assert resumed.loss == history.loss


def test_an_interrupted_epoch(backend, tmp_path):
    class Interrupt(bp.Callback):
        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (3, 1):
                run.stop("interrupted")

    path = tmp_path / "run.safetensors"
    net, history = train(backend, path, epochs=6, callbacks=[Interrupt()])
    assert len(history.loss) == 2
    np.testing.assert_array_equal(saved(path, backend), backend.to_numpy(net.theta))
    arrays, document = read(path)
    assert document["run"]["epoch"] == 2
    assert not np.array_equal(arrays["last theta"], arrays["theta"])
    resumed, _ = train(backend, path, epochs=6, callbacks=[], resume=path)
    whole, _ = train(backend, tmp_path / "other", epochs=6, callbacks=[])
    np.testing.assert_array_equal(*(backend.to_numpy(n.theta) for n in (resumed, whole)))


def test_a_plain_run_is_written_once_more_only_if_it_must_be(tmp_path):
    path = tmp_path / "run.safetensors"
    train("numpy", path, epochs=2, callbacks=[])
    assert "last theta" not in read(path)[0]


def test_a_subclass_that_writes_nothing(tmp_path):
    class Never(bp.Checkpoint):
        def on_train_begin(self, run):
            pass

        on_epoch_end = on_train_begin

    net = bp.Network([4, 1], backend="numpy")
    bp.fit(net, *data(), epochs=1, callbacks=[Never(tmp_path / "run.safetensors")])
    assert not os.listdir(tmp_path)


# -- relative paths --------------------------------------------------------------------------------


class GoAway(bp.Callback):
    """Changes the directory of the process in the midst of a run."""

    def __init__(self, directory):
        self.directory = directory

    def on_epoch_end(self, run):
        os.chdir(self.directory)


def test_a_relative_path_means_the_directory_of_now(tmp_path, monkeypatch):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(here)
    net = bp.Network([4, 1], backend="numpy")
    callbacks = [bp.Checkpoint("run.safetensors"), GoAway(elsewhere), bp.EarlyStopping()]
    bp.fit(net, *data(), epochs=3, callbacks=callbacks)
    assert os.listdir(here) == ["run.safetensors"]
    assert not os.listdir(elsewhere)
    assert len(read(here / "run.safetensors")[1]["run"]["history"]["loss"]) == 3


@pytest.mark.parametrize("form", [".npy files", ".npy shards", "Parquet", "Zarr group"])
def test_sources_stay_where_they_are(form, tmp_path, monkeypatch):
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(here)
    source = source_forms.FORMS[form](here)
    if isinstance(source, tuple):
        source = tuple(os.path.relpath(path) for path in source)
    elif not isinstance(source, bp.sources.Source):
        source = os.path.relpath(source)
    else:
        source = bp.sources.parquet("data.parquet", target="y")
    net = bp.Network([5, 3], output="softmax", backend="numpy")
    history = bp.fit(net, source, epochs=3, batch_size=100, callbacks=[GoAway(elsewhere)])
    assert len(history.loss) == 3
