"""Every public function, called with anything: it works, or one library error says what is wrong.

What is raised otherwise fails a test by itself.
"""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.errors import shown

X = np.random.default_rng(0).normal(size=(20, 3))
Y = (X[:, 0] > 0).astype(int)
NUMPY = {"backend": "numpy"}


def network(sizes=(3, 4, 1)):
    return bp.Network(sizes, **NUMPY)


NET = network()
TRACE = NET.forward(X)
GRADS = NET.backward(TRACE, Y)

WRONG = {
    "None": None,
    "number": 3,
    "negative": -1,
    "fraction": 1.5,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "complex": 1j,
    "text": "abc",
    "bytes": b"abc",
    "truth": True,
    "list": [1, 2],
    "ragged": [[1, 2], [3]],
    "mapping": {"a": 1},
    "set": {1, 2},
    "object": object(),
    "function": len,
    "class": bp.EarlyStopping,
    "vector": np.ones(3),
    "matrix": X,
    "0-d": np.array("x"),
    "stack": np.ones((2, 2, 2)),
    "network": NET,
    "trace": TRACE,
    "gradient": GRADS,
    "optimizer": bp.SGD(0.1),
    "iterator": iter([1]),
    "ellipsis": ...,
}


def each_parameter(function, **good):
    """A call for each parameter of a function, which puts something else in its place."""
    for name in inspect.signature(function).parameters:
        yield (
            f"{name} of {function.__name__}",
            lambda value, name=name: function(**{**good, name: value}),
        )


def step(**options):
    return bp.train_step(network(), bp.SGD(0.1), **options)


def training():
    quick = {"epochs": 1, "progress": False}
    folds = {"sizes": [3, 2, 1], "X": X, "Y": Y, "folds": 2, **quick}
    yield from each_parameter(bp.fit, net=network(), X=X, Y=Y, **quick)
    yield from each_parameter(bp.cross_validate, **folds)
    yield from each_parameter(bp.search, **folds)
    yield from each_parameter(bp.train_step, net=network(), optimizer=bp.SGD(0.1))
    yield from each_parameter(bp.check_gradients, net=NET, X=X, Y=Y)
    yield from each_parameter(bp.explain, net=NET, X=X[:3], Y=Y[:3])
    yield from each_parameter(bp.plot_history, history=None)
    flat = network((2, 1))
    yield from each_parameter(bp.plot_decision_boundary, net=flat, X=X[:, :2], Y=Y)
    yield from each_parameter(bp.load, path="there is no such file")
    yield from each_parameter(bp.get_backend)


def objects():
    yield from each_parameter(bp.Network, sizes=[3, 2, 1], **NUMPY)
    for kind in (bp.SGD, bp.Momentum, bp.Nesterov, bp.RMSprop, bp.Adam, bp.AdamW):
        yield from each_parameter(kind, learning_rate=0.1)
    yield from each_parameter(bp.Checkpoint, path="run.safetensors")
    yield from each_parameter(bp.EarlyStopping)
    yield from each_parameter(bp.LayerStatistics)
    for kind in (bp.ConstantRate, bp.CosineDecay, bp.OneCycle, bp.ReduceOnPlateau):
        yield from each_parameter(kind)
    yield from each_parameter(bp.StepDecay, every=2)
    yield from each_parameter(bp.ExponentialDecay, ratio=0.5)
    good = {"name": "mine", "value": lambda xp, z: z, "slope": lambda xp, z, a: z}
    yield from each_parameter(bp.Activation, **good)


def sources():
    yield from each_parameter(bp.sources.arrays, X=X, Y=Y)
    yield from each_parameter(bp.sources.npy, X="X.npy", Y="Y.npy")
    yield from each_parameter(bp.sources.npy_shards, directory="there is none")
    yield from each_parameter(bp.sources.parquet, path="there is none", target="y")
    yield from each_parameter(bp.sources.zarr, X="there is none")
    yield "memory", lambda value: bp.sources.arrays(X, Y).memory(value)


def methods():
    yield "forward", lambda value: NET.forward(value)
    yield "dropout of forward", lambda value: NET.forward(X, dropout=value)
    yield "trace of cost", lambda value: NET.cost(value, Y)
    yield "Y of cost", lambda value: NET.cost(NET.forward(X), value)
    yield "weights of cost", lambda value: NET.cost(NET.forward(X), Y, value)
    yield "trace of backward", lambda value: NET.backward(value, Y)
    yield "Y of backward", lambda value: NET.backward(NET.forward(X), value)
    yield "predict", lambda value: NET.predict(value)
    yield "reduce of predict", lambda value: NET.predict(X, reduce=value)
    yield "theta", lambda value: setattr(network(), "theta", value)
    yield "with_theta", lambda value: NET.with_theta(value)
    yield "to_onnx", lambda value: NET.to_onnx(value)
    yield "save", lambda value: NET.save(value)
    yield "net of update", lambda value: bp.SGD(0.1).update(value, GRADS)
    yield "grads of update", lambda value: bp.SGD(0.1).update(network(), value)
    yield "state", lambda value: bp.Adam().state(value)
    yield "X of a step", lambda value: step()(value, Y)
    yield "Y of a step", lambda value: step()(X, value)
    yield "weights of a step", lambda value: step()(X, Y, value)
    yield "net of record", lambda value: bp.LayerStatistics().record(value, X, Y)
    yield "X of record", lambda value: bp.LayerStatistics().record(NET, value, Y)
    backend = bp.get_backend("numpy")
    yield "asarray", lambda value: backend.asarray(value)
    yield "dtype of asarray", lambda value: backend.asarray([1.0], value)


CALLS = dict([*training(), *objects(), *sources(), *methods()])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", CALLS)
def test_one_error_of_the_library(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("matplotlib").use("agg")
    for kind, value in WRONG.items():
        if kind == "iterator":
            value = iter([1])
        try:
            CALLS[call](value)
        except bp.BackpropError as problem:
            words = str(problem)
            assert len(words) < 600, (kind, words)
            assert "array([[" not in words, (kind, words)


def test_every_public_function_is_called():
    """Classes that only the library makes, abstract ones and errors apart."""
    made = {"Backend", "Callback", "Explanation", "GradientReport", "History"}
    made |= {"PopulationHistory", "Schedule", "ScoreTable"}
    called = {name.rpartition(" of ")[2] for name in CALLS}
    for name in set(bp.__all__) - made:
        thing = getattr(bp, name)
        if callable(thing) and not (inspect.isclass(thing) and issubclass(thing, Exception)):
            assert name in called, name


# -- what a mistake of the tour says ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: NET.cost(X, Y), r"^cost takes what forward returned, but got <ndarray of the sh"),
        (lambda: NET.backward(X, Y), r"net\.backward\(trace, Y\)$"),
        (lambda: bp.SGD(0.1).update(NET, [1, 2]), r"^grads=\[1, 2\]: expected what backward ret"),
        (lambda: bp.SGD(0.1).update(GRADS, NET), r"^net=<backprop_xp.*: expected a backprop_xp\.N"),
        (lambda: bp.fit(X, Y, NET), r"^net=<ndarray of the shape \(20, 3\)>: expected a backprop"),
        (lambda: bp.fit(NET, X, Y, optimizer="adam"), r"^optimizer='adam': expected an optimizer"),
        (
            lambda: bp.sources.npy(X, Y),
            r"^path=<ndarray of the shape \(20, 3\)>: expected the name",
        ),
        (lambda: bp.cross_validate([3, 1], X, Y, l2=[0, 1]), r"^l2=\[0, 1\]: expected a number"),
    ],
)
def test_what_was_expected(call, words):
    with pytest.raises(bp.ConfigurationError, match=words):
        call()


def test_an_option_that_does_not_exist_names_the_public_class():
    with pytest.raises(TypeError, match=r"^Network\.__init__\(\) got an unexpected .*'activation'"):
        bp.Network([2, 1], activation="relu")


def test_shown():
    assert shown("abc") == "'abc'"
    assert shown(list(range(100))) == "[0, 1, 2, 3, 4, 5, 6, 7, ...]"
    assert shown(np.ones((2, 3))) == "<ndarray of the shape (2, 3)>"
    assert shown(np.float64(2.5)) == repr(np.float64(2.5))
    assert len(shown("x" * 1000)) < 130
    assert "\n" not in shown(type("T", (), {"__repr__": lambda self: "a\nb"})())
    assert len(shown(10**300)) < 130


# -- short names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "output", "outputs", "name"),
    [
        ("bce", "sigmoid", 1, "binary_cross_entropy"),
        ("ce", "softmax", 3, "cross_entropy"),
        ("mse", "identity", 1, "squared_error"),
        ("mae", "identity", 1, "absolute_error"),
    ],
)
def test_short_names_of_losses(tmp_path, short, output, outputs, name):
    net = bp.Network([2, outputs], output=output, loss=short, **NUMPY)
    assert net.loss.name == name
    assert repr(net) == repr(bp.Network([2, outputs], output=output, loss=name, **NUMPY))
    net.save(tmp_path / "net")
    assert bp.load(tmp_path / "net", **NUMPY).loss.name == name
    labels = np.arange(20) % max(outputs, 2)
    options = {"output": output, "epochs": 1, "folds": 2, **NUMPY}
    tables = [
        bp.cross_validate([3, outputs], X, labels, loss=each, **options).columns
        for each in (short, name)
    ]
    assert tables[0] == tables[1]
    with pytest.raises(bp.ConfigurationError, match="no such loss"):
        bp.Network([2, 1], loss="bse", **NUMPY)


# -- in a script -----------------------------------------------------------------------------------


def script(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )


def test_estimators_are_there_when_they_are_asked_for(monkeypatch):
    pytest.importorskip("sklearn")
    import os

    code = """
import sys
import backprop_xp as bp
assert "sklearn" not in sys.modules
assert "estimators" in dir(bp)
print(bp.estimators.MLPClassifier.__name__, "sklearn" in sys.modules)
"""
    done = script(code, **os.environ)
    assert done.stdout.split() == ["MLPClassifier", "True"], done.stderr


def test_without_scikit_learn_they_say_what_to_install():
    import os

    code = """
import sys
sys.modules["sklearn"] = None
import backprop_xp as bp
try:
    bp.estimators
except ImportError as problem:
    print(problem)
"""
    done = script(code, **os.environ)
    assert 'pip install "backprop-xp[sklearn]"' in done.stdout, done.stderr


def test_a_backend_that_is_missing_is_one_error():
    import os

    code = """
import sys
sys.modules["cupy"] = None
import backprop_xp as bp
bp.Network([2, 1])
"""
    done = script(code, **{**os.environ, "BACKEND": "cupy"})
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "BACKEND=cupy was asked for, but it is not usable here: cupy cannot be imported" in last
    assert "To use cupy: " in last
