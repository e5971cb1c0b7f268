"""Host data of every kind at every door: what `fit` takes the others take, or say where to go."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import backprop_xp as bp

X = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")
Y = np.arange(30) % 3
W = np.linspace(0.5, 2.0, 30)


class Subclass(np.ndarray):
    pass


def network(backend="numpy", dtype="float32"):
    return bp.Network([3, 4, 3], output="softmax", dtype=dtype, backend=backend)


# Name → what is made of an array of the host.
KINDS = {
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "big-endian doubles": lambda a: a.astype(">f8") if a.dtype.kind == "f" else a.astype(">i2"),
    "a subclass": lambda a: a.view(Subclass),
    "masked, but nothing": lambda a: np.ma.masked_array(a, mask=np.zeros(a.shape, bool)),
    "masked, without a mask": np.ma.masked_array,
    "read-only": lambda a: np.lib.stride_tricks.as_strided(a, writeable=False),
    "by columns": np.asfortranarray,
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_door(backend, kind, dtype):
    """The results are those of plain arrays. A device wants what is moved to it on purpose."""
    of = KINDS[kind]
    moved = of if backend.library == "numpy" else lambda a: backend.asarray(of(a))
    results = []
    for kind_of, at_door in ((of, moved), (np.asarray, backend.asarray)):
        net = network(backend, dtype)
        x, y, w = kind_of(X), kind_of(Y), kind_of(W)
        history = bp.fit(net, x, y, epochs=2, sample_weight=w, validation_data=(x, y))
        x, y, w = at_door(X), at_door(Y), at_door(W)
        trace = net.forward(x)
        results.append(
            [
                history.loss,
                history.validation_loss,
                float(net.cost(trace, y, w)),
                backend.to_numpy(net.backward(trace, y, w).theta),
                backend.to_numpy(net.predict(x)),
                float(bp.train_step(net, bp.SGD(0.1))(x, y, w)),
                bp.check_gradients(net, kind_of(X), kind_of(Y), sample_weight=kind_of(W)).passed,
            ]
        )
    for own, plain in zip(*results, strict=True):
        np.testing.assert_array_equal(own, plain)


@pytest.mark.parametrize("kind", ["big-endian", "a subclass", "masked, without a mask"])
def test_sources_searches_and_pictures(kind, tmp_path):
    of = KINDS[kind]
    x, y = of(X), of(Y)
    losses = [
        bp.fit(network(), bp.sources.arrays(*pair, buffer_rows=10), epochs=2).loss
        for pair in ((x, y), (X, Y))
    ]
    losses += [bp.fit(network(), [pair], epochs=2).loss for pair in ((x, y), (X, Y))]
    assert losses[0] == losses[1]
    assert losses[2] == losses[3]
    options = {"output": "softmax", "epochs": 1, "folds": 2, "sample_weight": of(W)}
    assert bp.cross_validate([3, 3], x, y, **options).columns == (
        bp.cross_validate([3, 3], X, Y, **options).columns
    )
    assert str(bp.explain(network(), x[:4], y[:4])) == str(bp.explain(network(), X[:4], Y[:4]))


@pytest.mark.parametrize("kind", ["big-endian", "a subclass", "masked, without a mask"])
def test_estimators(kind):
    pytest.importorskip("sklearn")
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        require_alike(kind)


def require_alike(kind):
    from backprop_xp.estimators import MLPClassifier, MLPRegressor

    of = KINDS[kind]
    for made, targets in ((MLPClassifier, Y), (MLPRegressor, W)):
        for solver in ("adam", "lbfgs"):
            options = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
            own, plain = (
                made(solver=solver, **options).fit(f(X), f(targets), sample_weight=f(W))
                for f in (of, np.asarray)
            )
            np.testing.assert_array_equal(own.predict(of(X)), plain.predict(X))
            assert own.score(of(X), of(targets)) == plain.score(X, targets)


def test_parameters_of_a_foreign_byte_order(backend):
    net, host = network(backend), backend.to_numpy(network(backend).theta).astype(">f8")
    values = host if backend.library == "numpy" else backend.asarray(host)
    net.theta = values
    np.testing.assert_array_equal(backend.to_numpy(net.theta), host)
    twin = net.with_theta(values)
    assert twin.dtype == "float64"
    assert float(bp.train_step(twin, bp.Adam())(backend.asarray(X), backend.asarray(Y))) > 0


# -- masked values ---------------------------------------------------------------------------------


def test_what_is_masked_is_refused_in_memory_maps_too(tmp_path):
    mapped = np.memmap(tmp_path / "X", "f4", "w+", shape=X.shape)
    mapped[:] = X
    mask = np.zeros(X.shape, bool)
    whole = np.ma.masked_array(mapped, mask=mask.copy())
    mask[2, 1] = True
    masked = np.ma.masked_array(mapped, mask=mask)
    for use in (
        lambda data: bp.fit(network(), data, Y, epochs=1).loss,
        lambda data: bp.fit(network(), X, Y, epochs=1, validation_data=(data, Y)).validation_loss,
        lambda data: bp.fit(network(), (data, Y), epochs=1).loss,
        lambda data: bp.check_gradients(network(), data, Y).passed,
        lambda data: network().predict(data).tolist(),
    ):
        assert use(whole) == use(X)
        with pytest.raises(bp.DataError, match="a masked array has missing values: fill them"):
            use(masked)


def test_estimators_refuse_what_is_masked():
    """scikit-learn takes what is masked for the numbers below the mask."""
    pytest.importorskip("sklearn")
    from backprop_xp.estimators import MLPClassifier, MLPRegressor

    mask = np.arange(30) == 4
    masked, Z = np.ma.masked_array(X, np.repeat(mask, 3).reshape(X.shape)), X[:, 0]
    refusal = pytest.raises(bp.DataError, match="a masked array has missing values: fill them")
    for model, target in ((MLPClassifier, Y), (MLPRegressor, Z)):
        whole = model(hidden_layer_sizes=(2,), solver="lbfgs", tol=0.1).fit(
            np.ma.masked_array(X), target
        )
        np.testing.assert_array_equal(whole.predict(np.ma.masked_array(X)), whole.predict(X))
        labels, weights = np.ma.masked_array(target, mask), np.ma.masked_array(np.ones(30), mask)
        for use in (
            lambda model=model, target=target: model().fit(masked, target),
            lambda model=model, labels=labels: model().fit(X, labels),
            lambda: MLPRegressor().partial_fit(masked, Z),
            lambda model=model, y=target, w=weights: model().fit(X, y, sample_weight=w),
            lambda whole=whole: whole.predict(masked),
        ):
            with refusal:
                use()


# -- sparse, frames, and what only fit reads -------------------------------------------------------


@pytest.mark.parametrize("form", ["csr_matrix", "csc_array", "coo_matrix", "lil_array"])
def test_sparse_inputs(backend, form, monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    host = np.where(np.random.default_rng(1).uniform(size=(600, 3)) > 0.5, 1.5, 0.0)
    matrix, labels = getattr(sparse, form)(host), np.arange(600) % 3
    net, rows = network(backend), backend.asarray(host)
    to_numpy = backend.to_numpy
    wanted = to_numpy(net.predict(rows))
    np.testing.assert_array_equal(to_numpy(net.forward(matrix).A[-1]), wanted)
    J = float(bp.train_step(network(backend), bp.SGD(0.1))(matrix, labels.tolist()))
    assert float(bp.train_step(network(backend), bp.SGD(0.1))(rows, labels.tolist())) == J
    monkeypatch.setattr(type(backend), "layer_elements", 1)
    np.testing.assert_allclose(to_numpy(net.predict(matrix)), wanted, rtol=1e-6)
    with pytest.raises(bp.ShapeError, match="X has 2 features"):
        net.predict(matrix.tocsr()[:, :2])
    with pytest.raises(bp.DataError, match=r"^Y is sparse, but targets must be dense"):
        net.cost(net.forward(rows), sparse.csr_matrix(labels[:, None]))
    with pytest.raises(bp.DataError, match="sample_weight is sparse, but weights must be dense"):
        net.cost(net.forward(rows), labels.tolist(), sparse.csr_matrix(labels[:, None]))


def test_sparse_batches_of_an_iterable():
    sparse = pytest.importorskip("scipy.sparse")
    losses = [bp.fit(network(), [(f(X), Y)], epochs=2).loss for f in (sparse.csr_matrix, np.array)]
    assert losses[0] == losses[1]


def test_sparse_rows_become_dense_part_by_part(monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    monkeypatch.setattr(type(bp.get_backend("numpy")), "layer_elements", 1)
    seen = []
    toarray = sparse.csr_matrix.toarray

    def counted(matrix):
        seen.append(matrix.shape[0])
        return toarray(matrix)

    monkeypatch.setattr(sparse.csr_matrix, "toarray", counted)
    network().predict(sparse.csr_matrix(np.ones((700, 3))))
    assert seen == [256, 256, 188]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_and_series(backend, library):
    frames = pytest.importorskip(library)
    frame, series = frames.DataFrame(X, **_schema(library)), frames.Series(Y)
    net = network(backend)
    x, y = backend.asarray(X), backend.asarray(Y)
    trace = net.forward(frame)
    weights = frames.Series(W)
    assert float(net.cost(trace, series, weights)) == float(net.cost(trace, y, backend.asarray(W)))
    steps = [
        float(bp.train_step(network(backend), bp.SGD(0.1))(*batch))
        for batch in ((frame, series, weights), (x, y, backend.asarray(W)))
    ]
    assert steps[0] == steps[1]
    text = frames.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1, 2]})
    with pytest.raises(bp.DataError, match=r"^X: column 'b' holds text"):
        net.predict(text)
    nullable = frames.DataFrame({"a": [1, 2], "b": [1, None], "c": [1, 2]})
    if library == "pandas":
        nullable = nullable.convert_dtypes()
    with pytest.raises(bp.DataError, match=r"^X\[1, 'b'\] is missing"):
        net.forward(nullable)


def _schema(library):
    return {"schema": ["a", "b", "c"]} if library == "polars" else {"columns": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("X.npy", "a path"),
        ((X, Y), r"a pair \(X, Y\)"),
        (bp.sources.arrays(X, Y), "a source"),
        (iter([X]), "an iterable of the type list_iterator"),
    ],
    ids=["path", "pair", "source", "iterable"],
)
def test_what_only_fit_reads(backend, given, what):
    net = network(backend)
    for use in (
        net.predict,
        net.forward,
        lambda data: bp.train_step(net, bp.SGD(0.1))(data, Y.tolist()),
    ):
        with pytest.raises(bp.DataError, match=f"^X is {what}.*, which fit reads while it trains"):
            use(given)


# -- files that were closed ------------------------------------------------------------------------


def test_a_closed_hdf5_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"], file["W"] = X, Y, W
        file.create_dataset("chunked", data=X, chunks=(10, 3))
    file = h5py.File(tmp_path / "data.h5")
    x, y, w, chunked = file["X"], file["Y"], file["W"], file["chunked"]
    net, source = network(), bp.sources.arrays(chunked, y)
    bp.fit(net, x, y, sample_weight=w, epochs=1)
    bp.fit(net, (chunked, y), epochs=1)
    assert net.predict(x).shape == (30, 3)
    file.close()
    for use in (
        lambda: bp.fit(net, x, y),
        lambda: bp.fit(net, chunked, y),
        lambda: bp.fit(net, (x, y)),
        lambda: bp.fit(net, source),
        lambda: bp.fit(net, [(x, y)]),
        lambda: bp.fit(net, X, y),
        lambda: bp.fit(net, X, Y, sample_weight=w),
        lambda: bp.fit(net, X, Y, validation_data=(x, y)),
        lambda: bp.fit(net, X, Y, validation_data=(chunked, Y)),
        lambda: bp.sources.arrays(x, y),
        lambda: net.predict(x),
        lambda: net.forward(x),
        lambda: net.cost(net.forward(X), y),
        lambda: bp.train_step(net, bp.SGD(0.1))(x, y),
        lambda: bp.check_gradients(net, x, y),
        lambda: bp.explain(net, x, y),
        lambda: bp.cross_validate([3, 3], x, y, output="softmax"),
    ):
        with pytest.raises(bp.DataError, match="a dataset of an HDF5 file that is closed: open it"):
            use()


def test_a_closed_hdf5_file_that_was_never_read(tmp_path):
    """h5py remembers shapes that somebody has asked for, and of other datasets it knows nothing."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"] = X, Y
    net = network()
    for use in (
        lambda x, y: bp.fit(net, x, y),
        lambda x, y: bp.fit(net, (x, y)),
        lambda x, y: bp.fit(net, X, Y, validation_data=(x, y)),
        lambda x, y: net.predict(x),
        lambda x, y: net.forward(x),
        lambda x, y: net.cost(net.forward(X), y),
        lambda x, y: bp.train_step(net, bp.SGD(0.1))(x, y),
        lambda x, y: bp.explain(net, x, y),
        lambda x, y: bp.cross_validate([3, 3], x, y, output="softmax"),
        lambda x, y: bp.search([3, 3], x, y, l2=[0.0, 0.1], output="softmax"),
    ):
        with h5py.File(tmp_path / "data.h5") as file:
            x, y = file["X"], file["Y"]
        with pytest.raises(bp.DataError, match="a dataset of an HDF5 file that is closed: open it"):
            use(x, y)


def test_a_file_that_is_closed_while_it_is_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"] = X, Y
    file = h5py.File(tmp_path / "data.h5")

    class Close(bp.Callback):
        def on_epoch_end(self, run):
            file.close()

    with pytest.raises(bp.DataError, match=r"that is closed.*from the end of epoch 1"):
        bp.fit(network(), (file["X"], file["Y"]), epochs=3, callbacks=[Close()])


def test_estimators_and_a_closed_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("sklearn")
    from backprop_xp.estimators import MLPClassifier

    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"] = X, Y
        x, y = file["X"], file["Y"]
    model = MLPClassifier((2,), solver="lbfgs", max_iter=500)
    with pytest.raises(bp.DataError, match="X: a dataset of an HDF5 file that is closed"):
        model.fit(x, Y)
    with pytest.raises(bp.DataError, match="y: a dataset of an HDF5 file that is closed"):
        model.fit(X, y)
