"""A network with a forward, cost or backward of its own: who trains or looks calls them."""

from __future__ import annotations

import functools
import types

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.backends.numpy import EAGER_CALLS

DOUBLE = {"dtype": "float64"}


class Wrong(bp.Network):
    """A learner's backward without 1/m: it counts how often it is called."""

    calls = 0

    def backward(self, trace, Y):
        type(self).calls += 1
        grads = super().backward(trace, Y)
        grads.theta[...] *= trace.rows
        return grads


class Calm(bp.Network):
    """Logits divided by a temperature: forward, cost and backward know it."""

    def forward(self, X, **options):
        return super().forward(self.backend.asarray(X) / 2.0, **options)


class Doubled(bp.Network):
    """Twice the cost, in J and in its gradient, and weights where they are given."""

    def cost(self, trace, Y, sample_weight=None):
        return 2.0 * super().cost(trace, Y, sample_weight)

    def backward(self, trace, Y, sample_weight=None):
        grads = super().backward(trace, Y, sample_weight)
        grads.theta[...] *= 2.0
        return grads


def data(backend, rows=12):
    rng = np.random.default_rng(0)
    return backend.asarray(rng.normal(size=(rows, 3))), backend.asarray(rng.integers(0, 2, rows))


def theta(net):
    return net.backend.to_numpy(net.theta)


def test_backward_is_called_in_every_step_of_fit(backend):
    X, Y = data(backend)
    Wrong.calls = 0
    net = Wrong([3, 4, 1], backend=backend, **DOUBLE)
    bp.fit(net, X, Y, epochs=3, batch_size=4, optimizer=bp.SGD(0.1))
    assert Wrong.calls == 9
    right = bp.Network([3, 4, 1], backend=backend, **DOUBLE)
    bp.fit(right, X, Y, epochs=3, batch_size=4, optimizer=bp.SGD(0.4))  # 1/m is 1/4 here
    np.testing.assert_allclose(theta(net), theta(right), rtol=1e-12)


def test_the_gradient_check_and_fit_see_the_same_backward(backend):
    X, Y = data(backend)
    net = Wrong([3, 4, 1], backend=backend, **DOUBLE)
    Wrong.calls = 0
    assert not bp.check_gradients(net, X, Y).passed
    assert Wrong.calls == 1
    before = theta(net).copy()
    trace = net.forward(X)
    wanted = before - 0.1 * backend.to_numpy(net.backward(trace, Y).theta)
    bp.train_step(net, bp.SGD(0.1))(X, Y)
    np.testing.assert_allclose(theta(net), wanted, rtol=1e-12)


def test_a_step_is_the_four_lines(backend):
    """Also long after a step of the library's would have been recorded."""
    X, Y = data(backend)
    net, other = (Doubled([3, 4, 1], backend=backend, l2=0.1, **DOUBLE) for _ in range(2))
    step, optimizer = bp.train_step(net, bp.Adam(0.01)), bp.Adam(0.01)
    for t in range(EAGER_CALLS + 3):
        weights = {} if t % 2 else {"sample_weight": backend.asarray(np.arange(12.0))}
        trace = other.forward(X)
        J = float(other.cost(trace, Y, **weights))
        optimizer.update(other, other.backward(trace, Y, **weights))
        assert float(step(X, Y, **weights)) == pytest.approx(J, rel=1e-12)
    np.testing.assert_allclose(theta(net), theta(other), rtol=1e-12)


def test_cost_is_what_history_and_validation_report(backend):
    X, Y = data(backend)
    histories = []
    for kind, rate in ((Doubled, 0.1), (bp.Network, 0.2)):
        net = kind([3, 4, 1], backend=backend, **DOUBLE)
        histories.append(
            bp.fit(
                net,
                X,
                Y,
                epochs=3,
                batch_size=5,
                optimizer=bp.SGD(rate),
                sample_weight=np.arange(1.0, 13.0),
                validation_data=(X, Y),
            )
        )
    for name in ("loss", "validation_loss"):
        doubled, plain = (np.array(getattr(history, name)) for history in histories)
        np.testing.assert_allclose(doubled, 2 * plain, rtol=1e-12)


def test_forward_is_what_predict_and_validation_see(backend):
    X, Y = data(backend)
    net = Calm([3, 4, 1], backend=backend, dropout=0.5, **DOUBLE)
    plain = bp.Network([3, 4, 1], backend=backend, dropout=0.5, **DOUBLE)
    half = backend.asarray(backend.to_numpy(X) / 2.0)
    one = bp.fit(net, X, Y, epochs=3, batch_size=5, validation_data=(X, Y))
    two = bp.fit(plain, half, Y, epochs=3, batch_size=5, validation_data=(half, Y))
    np.testing.assert_allclose(one.loss, two.loss, rtol=1e-12)
    np.testing.assert_allclose(one.validation_loss, two.validation_loss, rtol=1e-12)
    predicted = backend.to_numpy(net.predict(X))
    np.testing.assert_allclose(predicted, backend.to_numpy(plain.predict(half)), rtol=1e-12)
    np.testing.assert_array_equal(predicted, backend.to_numpy(net.forward(X).A[-1]))


def test_many_rows_are_predicted_part_by_part(backend, monkeypatch):
    monkeypatch.setattr(type(backend), "layer_elements", 1)
    rng = np.random.default_rng(0)
    X = backend.asarray(rng.normal(size=(600, 3)).astype("float32"))
    net = Calm([3, 4, 1], backend=backend)
    np.testing.assert_allclose(
        backend.to_numpy(net.predict(X)), backend.to_numpy(net.forward(X).A[-1]), rtol=1e-6
    )


def test_propagate_is_what_predict_sees(backend):
    class Silent(bp.Network):
        def propagate(self, trace):
            super().propagate(trace)
            trace.A[-1][...] = 0.0

    X, _ = data(backend)
    assert not backend.to_numpy(Silent([3, 1], backend=backend).predict(X)).any()


@pytest.mark.parametrize("seed", [0, [3, 4]])
def test_populations(backend, seed):
    X, Y = data(backend)
    runs = []
    for kind, rate in ((Doubled, 0.1), (bp.Network, 0.2)):
        nets = kind([3, 4, 1], members=2, dropout=0.3, backend=backend, **DOUBLE)
        bp.fit(nets, X, Y, epochs=3, batch_size=5, optimizer=bp.SGD(rate), seed=seed)
        runs.append(theta(nets))
    np.testing.assert_allclose(*runs, rtol=1e-9)


def test_clipping_and_shared_penalties(backend):
    X, Y = data(backend)
    runs = []
    for kind in (type("Same", (bp.Network,), {"cost": lambda *a, **k: bp.Network.cost(*a, **k)}),):
        for each in (kind, bp.Network):
            net = each([3, 4, 1], l2=0.5, l1=0.1, backend=backend, **DOUBLE)
            options = {"clip_norm": 0.05, "penalty_per_row": True}
            step = bp.train_step(net, bp.SGD(0.5), **options)
            losses = [float(step(X, Y, w)) for w in (None, backend.asarray(np.arange(12)), None)]
            runs.append((losses, theta(net)))
    for own, plain in zip(*runs, strict=True):
        np.testing.assert_allclose(own, plain, rtol=1e-12)


def test_a_class_or_a_network_that_was_changed(backend, monkeypatch):
    X, Y = data(backend)
    calls = []

    def backward(self, trace, Y, sample_weight=None):
        calls.append(self)
        return ours(self, trace, Y, sample_weight)

    ours = bp.Network.backward
    monkeypatch.setattr(bp.Network, "backward", backward)
    bp.fit(bp.Network([3, 1], backend=backend), X, Y, epochs=1, batch_size=4)
    assert len(calls) == 3
    monkeypatch.undo()
    net = bp.Network([3, 1], backend=backend)
    bp.fit(net, X, Y, epochs=1, batch_size=4)
    assert len(calls) == 3
    net.backward = types.MethodType(backward, net)
    bp.fit(net, X, Y, epochs=1, batch_size=4)
    assert len(calls) == 6
    assert bp.check_gradients(net, X, Y).passed
    assert calls[-1] is not net  # but its twin in double precision


def test_a_method_that_was_wrapped(monkeypatch):
    """As one does to count or to log: `functools.wraps` makes it look like the library's."""
    calls = []

    def counted(method):
        @functools.wraps(method)
        def counting(*arguments, **options):
            calls.append(method.__name__)
            return method(*arguments, **options)

        return counting

    for name in ("forward", "backward"):
        monkeypatch.setattr(bp.Network, name, counted(getattr(bp.Network, name)))
    net = bp.Network([3, 1], backend="numpy")
    bp.train_step(net, bp.SGD(0.1))(np.ones((2, 3)), [0, 1])
    assert calls == ["forward", "backward"]
    net.predict(np.ones((2, 3)))
    assert calls == ["forward", "backward", "forward"]


def test_a_run_that_diverges_and_statistics_of_layers(backend):
    class Textbook(bp.Network):
        def backward(self, trace, Y):
            grads, Y = self.gradient(), self.as_targets(Y, trace.rows)
            dZ = (trace.A[1] - Y) / trace.rows
            grads.W[1] = self.backend.xp.matrix_transpose(dZ) @ trace.A[0]
            grads.b[1] = self.backend.xp.sum(dZ, axis=0)
            return grads

    X, Y = data(backend)
    net = Textbook([3, 1], output="identity", backend=backend)
    statistics = bp.LayerStatistics()
    bp.fit(net, X, Y, epochs=2, callbacks=[statistics])
    assert statistics.latest[0].dZ == 0.0
    assert statistics.latest[0].dW > 0.0
    with pytest.raises(bp.DivergenceError, match=r"layer 1|loss overflows"):
        bp.fit(net, X, Y, epochs=500, batch_size=2, optimizer=bp.SGD(1e3))
    assert np.isfinite(theta(net)).all()


class Alone(bp.Network):
    """A learner's lines for one network: no stack of them goes through."""

    def cost(self, trace, Y):
        xp, y = self.backend.xp, self.backend.xp.reshape(Y, (-1, 1))
        return xp.mean((trace.A[-1] - y) ** 2) / 2.0


def test_a_cost_for_one_network_alone_is_checked(backend):
    X, Y = data(backend)
    options = {"output": "identity", "loss": "mse", "backend": backend, **DOUBLE}
    net = Alone([3, 4, 1], **options)
    Y = backend.xp.astype(Y, backend.xp.float64)
    theirs = bp.check_gradients(net, X, Y)
    ours = bp.check_gradients(bp.Network([3, 4, 1], **options), X, Y)
    assert theirs.passed
    assert theirs.max_relative_error == pytest.approx(ours.max_relative_error, abs=1e-7)


@pytest.mark.parametrize("returned", [None, np.zeros(3), 1.5])
def test_what_is_no_gradient_and_no_trace(backend, returned):
    def other(self, *arguments, **options):
        return returned

    X, Y = data(backend)
    options = {"output": "sigmoid", "backend": backend}
    net = type("Own", (bp.Network,), {"backward": other})([3, 1], **options)
    for call in (
        lambda: bp.fit(net, X, Y, epochs=1),
        lambda: bp.train_step(net, bp.SGD(0.1))(X, Y),
        lambda: bp.check_gradients(net, X, Y),
    ):
        with pytest.raises(bp.ConfigurationError, match="expected what backward returned"):
            call()
    net = type("Own", (bp.Network,), {"forward": other})([3, 1], **options)
    with pytest.raises(bp.ConfigurationError, match=r"^forward returned .*: expected a trace"):
        net.predict(X)
    with pytest.raises(bp.ConfigurationError, match="takes what forward returned, but got"):
        bp.check_gradients(net, X, Y)


def test_where_they_cannot_be_called_they_are_refused(tmp_path):
    net = Wrong([3, 1], backend="numpy")
    pytest.importorskip("sklearn")
    from backprop_xp.estimators import MLPClassifier

    with pytest.raises(bp.ConfigurationError, match=r"but Wrong has another backward: use backpr"):
        MLPClassifier.from_network(net)
    pytest.importorskip("onnx")
    Wrong([3, 1], backend="numpy").to_onnx(tmp_path / "backward.onnx")  # which predicting has not
    with pytest.raises(bp.ConfigurationError, match="but Calm has another"):
        Calm([3, 1], backend="numpy").to_onnx(tmp_path / "net.onnx")


def test_ranks_refuse_them():
    mpi = pytest.importorskip("mpi4py.MPI")
    X, Y = data(bp.get_backend("numpy"))
    with pytest.raises(bp.ConfigurationError, match="Wrong has another backward: train it in one"):
        bp.fit(Wrong([3, 1], backend="numpy"), X, Y, comm=mpi.COMM_SELF)
