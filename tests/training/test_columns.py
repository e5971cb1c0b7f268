"""Names of columns: frames are put in the order of those that were trained on, or are refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends.column_order import in_order
from backprop_xp.storage import read

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

NAMES = ["a", "b", "c"]
FRAMES = {
    "pandas": lambda X, names: pd.DataFrame(X, columns=names),
    "polars": lambda X, names: pl.DataFrame(X, schema=names),
    "arrow": lambda X, names: pa.table({name: X[:, i] for i, name in enumerate(names)}),
    "record batch": lambda X, names: pa.record_batch(
        {name: X[:, i] for i, name in enumerate(names)}
    ),
}
X = np.random.default_rng(0).normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)


def network(backend="numpy", sizes=(3, 4, 1), **options):
    return bp.Network(sizes, backend=backend, **options)


def trained(frame, backend="numpy", validation=None, **options):
    net = network(backend)
    history = bp.fit(net, frame, Y, epochs=2, validation_data=validation, **options)
    return net, history


def reversed_frame(kind):
    return FRAMES[kind](X[:, ::-1], NAMES[::-1])


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("first", FRAMES)
def test_columns_in_another_order_are_put_in_order(backend, first, kind):
    net, history = trained(FRAMES[first](X, NAMES), backend, (reversed_frame(kind), Y))
    plain, wanted = trained(X, backend, (X, Y))
    assert history.validation_loss == wanted.validation_loss
    assert net.columns == tuple(NAMES)
    rows = backend.asarray(X)
    to_numpy = backend.to_numpy
    np.testing.assert_array_equal(
        to_numpy(net.predict(reversed_frame(kind))), to_numpy(plain.predict(rows))
    )
    trace = net.forward(reversed_frame(kind))
    np.testing.assert_array_equal(to_numpy(trace.A[0]), to_numpy(plain.forward(rows).A[0]))
    steps = [
        float(bp.train_step(net, bp.SGD(0.1))(reversed_frame(kind), pd.Series(Y))),
        float(bp.train_step(plain, bp.SGD(0.1))(rows, backend.asarray(Y))),
    ]
    assert steps[0] == steps[1]
    assert bp.check_gradients(net, reversed_frame(kind), Y).passed
    assert str(bp.explain(net, reversed_frame(kind), Y)) == str(bp.explain(plain, X, Y))


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a", "b", "x"], r"it lacks 'c' and also has 'x'"),
        (["a", "b"], r"it lacks 'c'\. Hand the columns 'a', 'b', 'c', in any order"),
        (["a", "b", "c", "d"], r"it also has 'd'"),
    ],
)
def test_other_columns_are_refused_everywhere(kind, names, told):
    net, _ = trained(FRAMES[kind](X, NAMES))
    wide = np.concatenate([X, X], axis=1)
    other = FRAMES[kind](wide[:, : len(names)], names)
    for use in (
        net.predict,
        net.forward,
        lambda frame: bp.train_step(net, bp.SGD(0.1))(frame, Y),
        lambda frame: bp.fit(net, frame, Y, epochs=1),
        lambda frame: bp.check_gradients(net, frame, Y),
        lambda frame: bp.explain(net, frame, Y),
    ):
        with pytest.raises(bp.DataError, match=rf"^X has other columns than .*: {told}"):
            use(other)
    with pytest.raises(bp.DataError, match=rf"^validation X has other columns than .*: {told}"):
        trained(FRAMES[kind](X, NAMES), validation=(other, Y))


def test_a_second_fit_goes_on_with_the_first_ones_order():
    net, _ = trained(FRAMES["pandas"](X, NAMES))
    plain, _ = trained(X)
    bp.fit(net, reversed_frame("polars"), Y, epochs=2)
    bp.fit(plain, X, Y, epochs=2)
    np.testing.assert_array_equal(net.theta, plain.theta)
    assert net.columns == tuple(NAMES)


def test_a_fit_that_is_refused_leaves_no_names():
    net = network()
    with pytest.raises(bp.DataError):
        bp.fit(net, FRAMES["pandas"](X, NAMES), Y + 5)
    assert net.columns is None


def test_columns_of_several_targets():
    targets = np.stack([X[:, 0], X[:, 1] * 10], axis=1)
    histories = []
    for own, held_out in (
        (pd.DataFrame(targets, columns=["u", "v"]), pl.DataFrame(targets[:, ::-1], ["v", "u"])),
        (targets, targets),
    ):
        net = network(sizes=[3, 4, 2], output="identity")
        histories.append(bp.fit(net, X, own, epochs=2, validation_data=(X, held_out)))
    assert histories[0].validation_loss == histories[1].validation_loss
    own = pd.DataFrame(targets, columns=["u", "v"])
    with pytest.raises(bp.DataError, match=r"^validation Y has other columns .* lacks 'u'"):
        bp.fit(net, X, own, validation_data=(X, own.rename(columns={"u": "w"})))


@pytest.mark.parametrize("way", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_know_the_names(way):
    net, _ = trained(FRAMES["pandas"](X, NAMES))
    twin = way(net)
    np.testing.assert_array_equal(twin.predict(reversed_frame("pandas")), net.predict(X))


def test_files_know_the_names(tmp_path):
    path, run = tmp_path / "net.safetensors", tmp_path / "run.safetensors"
    net, _ = trained(FRAMES["pandas"](X, NAMES), callbacks=[bp.Checkpoint(run)])
    net.save(path)
    for file in (path, run):
        opened = bp.load(file, backend="numpy")
        np.testing.assert_array_equal(opened.predict(reversed_frame("polars")), net.predict(X))
        with pytest.raises(bp.DataError, match="other columns"):
            opened.predict(pd.DataFrame(X, columns=["a", "b", "x"]))
    plain, _ = trained(X)
    plain.save(path)
    assert "columns" not in read(path)[1]


def test_a_run_goes_on_with_the_same_columns_only(tmp_path):
    run = tmp_path / "run.safetensors"
    trained(FRAMES["pandas"](X, NAMES), callbacks=[bp.Checkpoint(run)])
    for frame in (FRAMES["polars"](X, NAMES), X):
        bp.fit(network(), frame, Y, epochs=3, resume=run)
    with pytest.raises(bp.CheckpointError, match="belongs to another run: its columns is"):
        bp.fit(network(), reversed_frame("pandas"), Y, epochs=3, resume=run)


@pytest.mark.parametrize("columns", [["a", "b"], "abc", [1.5, "b", "c"], {"a": 1}, [["a"], 2, 3]])
def test_names_in_a_file_are_not_trusted(tmp_path, columns):
    from backprop_xp import storage

    net, path = network(), tmp_path / "net.safetensors"
    net.save(path)
    arrays, document = read(path)
    storage.write(path, arrays, {**document, "columns": columns})
    with pytest.raises(bp.CheckpointError, match="not one name for each column"):
        bp.load(path, backend="numpy")


def test_names_that_a_file_cannot_hold_are_left_out(tmp_path):
    columns = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    net, _ = trained(pd.DataFrame(X, columns=columns))
    reordered = pd.DataFrame(X, columns=columns).iloc[:, ::-1]
    np.testing.assert_array_equal(net.predict(reordered), net.predict(X))
    net.save(tmp_path / "net")
    assert bp.load(tmp_path / "net", backend="numpy").columns is None


def test_columns_that_only_have_numbers():
    """Those that pandas gives to an array: in another order they are put in order, too."""
    net, _ = trained(pd.DataFrame(X))
    for frame in (pd.DataFrame(X), pd.DataFrame(X).iloc[:, ::-1], FRAMES["polars"](X, NAMES)):
        np.testing.assert_array_equal(net.predict(frame), net.predict(X))
    named, _ = trained(FRAMES["pandas"](X, NAMES))
    np.testing.assert_array_equal(named.predict(pd.DataFrame(X)), named.predict(X))
    with pytest.raises(bp.ShapeError, match="X has 2 features"):
        named.predict(pd.DataFrame(X[:, :2]))


def test_in_order():
    assert in_order("abc", None, "X") == [0, 1, 2]
    assert in_order("cab", "abc", "X") == [1, 2, 0]
    assert in_order(["a", "a"], ["a", "a"], "X") == [0, 1]
    with pytest.raises(bp.DataError, match="has some of them twice"):
        in_order(["a", "b", "a"], ["a", "a", "b"], "X")
    many = [f"column {i}" for i in range(20)]
    with pytest.raises(bp.DataError, match=r"'column 7' … \(20 in all\), in any order"):
        in_order(["x"], many, "X")


# -- what is read while it trains ------------------------------------------------------------------


def parquet(folder, names, name):
    pq = pytest.importorskip("pyarrow.parquet")
    table = FRAMES["arrow"](X[:, [NAMES.index(n) for n in names]].astype("f4"), names)
    pq.write_table(table.append_column("y", pa.array(Y)), folder / name)
    return bp.sources.parquet(folder / name, target="y")


def test_parquet(tmp_path):
    source = parquet(tmp_path, NAMES, "1.parquet")
    backwards = parquet(tmp_path, NAMES[::-1], "2.parquet")
    losses = []
    for held_out in (source, backwards, (reversed_frame("pandas"), Y)):
        net = network()
        losses.append(bp.fit(net, source, epochs=2, validation_data=held_out).validation_loss)
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-6)
    np.testing.assert_array_equal(net.predict(reversed_frame("polars")), net.predict(X))
    again = network()
    again.columns = tuple(NAMES)
    bp.fit(again, backwards, epochs=2)
    np.testing.assert_array_equal(again.theta, net.theta)
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": X[:, 0], "b": Y * 1.0, "d": Y, "y": Y}), tmp_path / "3")
    other = bp.sources.parquet(tmp_path / "3", target="y")
    with pytest.raises(bp.DataError, match=r"has other columns .* lacks 'c' and also has 'd'"):
        bp.fit(network(), source, epochs=2, validation_data=other)


def test_batches_that_are_frames():
    frame, backwards = FRAMES["pandas"](X, NAMES), reversed_frame("pandas")
    net, plain = network(), network()
    bp.fit(net, [(frame[:10], Y[:10]), (backwards[10:], Y[10:])], epochs=2)
    bp.fit(plain, [(X[:10], Y[:10]), (X[10:], Y[10:])], epochs=2)
    np.testing.assert_array_equal(net.theta, plain.theta)
    assert net.columns == tuple(NAMES)


def test_arrow_tables_that_are_no_numbers():
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    with pytest.raises(bp.DataError, match=r"^X: column 'b' holds string"):
        bp.fit(network(sizes=[2, 1]), table, [0, 1])
    table = pa.table({"a": [1, 2], "b": [1.0, None]})
    with pytest.raises(bp.DataError, match=r"^X\[1, 'b'\] is missing"):
        bp.fit(network(sizes=[2, 1]), table, [0, 1])
    numbers = pa.table({"a": [True, False], "b": pa.array([1, 2], pa.decimal128(5, 2))})
    bp.fit(network(sizes=[2, 1]), numbers, [0, 1], epochs=1)
