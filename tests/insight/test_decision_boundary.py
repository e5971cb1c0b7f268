"""plot_decision_boundary: the line lies where the network changes its mind."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

pytest.importorskip("matplotlib")


def linear(backend, W, b, output="sigmoid", loss=None):
    """A network without hidden layer, whose boundary is known."""
    net = bp.Network([2, len(b)], output=output, loss=loss, dtype="float64", backend=backend)
    net.W[1] = backend.asarray(np.array(W, dtype=float))
    net.b[1] = backend.asarray(np.array(b, dtype=float))
    return net


def contours(figure):
    from matplotlib.contour import ContourSet

    sets = [child for child in figure.axes[0].get_children() if isinstance(child, ContourSet)]
    return [path.vertices for one in sets for path in one.get_paths() if len(path.vertices)]


def points(figure):
    """{label: number of points} of what is scattered."""
    groups = (child for child in figure.axes[0].collections if hasattr(child, "get_offsets"))
    counts = {group.get_label(): len(group.get_offsets()) for group in groups}
    return {label: count for label, count in counts.items() if not label.startswith("_")}


@pytest.fixture
def X(rng):
    return rng.uniform(-2, 2, (60, 2))


@pytest.mark.parametrize(
    ("output", "loss", "labels", "border"),
    [
        ("sigmoid", None, (0, 1), 0.0),
        ("identity", None, (0, 1), 0.5),
        ("tanh", "squared_error", (-1, 1), 0.0),
    ],
)
def test_the_line_of_a_single_output(backend, X, output, loss, labels, border):
    """W·x + b crosses the border on a straight line."""
    net = linear(backend, [[1.0, -2.0]], [0.5], output, loss)
    side = np.greater(X @ [1.0, -2.0] + 0.5, border)
    figure = bp.plot_decision_boundary(net, X, np.where(side, labels[1], labels[0]))
    (line,) = contours(figure)
    np.testing.assert_allclose(line @ [1.0, -2.0] + 0.5, border, atol=1e-2)
    names = [f"class {label}" for label in labels]
    assert points(figure) == {names[0]: np.sum(~side), names[1]: np.sum(side)}
    assert figure.axes[0].get_title(loc="left") == "100.0% of 60 examples on their side"


@pytest.mark.parametrize("one_hot", [True, False])
def test_the_lines_between_several_classes(backend, X, one_hot):
    """Class 0, 1 or 2, whichever of x₁, x₂ and −x₁−x₂ is largest."""
    W = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    labels = np.argmax(X @ W.T, axis=1)
    Y = np.eye(3)[labels] if one_hot else labels
    figure = bp.plot_decision_boundary(linear(backend, W, [0, 0, 0], "softmax"), X, Y)
    two = np.sort(np.concatenate(contours(figure)) @ W.T, axis=1)[:, -2:]
    np.testing.assert_allclose(two[:, 0], two[:, 1], atol=0.03)
    counts = {f"class {k}": int(np.sum(labels == k)) for k in range(3)}
    assert points(figure) == counts


def test_examples_on_the_wrong_side_are_marked(X):
    net = linear(bp.get_backend("numpy"), [[1.0, 0.0]], [0.0])
    labels = X[:, 0] > 0
    labels[:6] = ~labels[:6]
    figure = bp.plot_decision_boundary(net, X, labels)
    assert points(figure)["wrong side"] == 6
    assert figure.axes[0].get_title(loc="left") == "90.0% of 60 examples on their side"


def test_one_class_and_one_point():
    net = linear(bp.get_backend("numpy"), [[1.0, 0.0]], [0.0])
    figure = bp.plot_decision_boundary(net, [[1.0, 1.0]], [1])
    assert points(figure)["class 1"] == 1


def test_names_and_file(tmp_path, X):
    net = linear(bp.get_backend("numpy"), [[1.0, 0.0]], [0.0])
    figure = bp.plot_decision_boundary(
        net, X, X[:, 0] > 0, tmp_path / "boundary.png", names=("length", "width")
    )
    assert (tmp_path / "boundary.png").exists()
    axis = figure.axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("length", "width")


def test_wrong_use(X):
    three = bp.Network([3, 1], backend="numpy")
    with pytest.raises(bp.ConfigurationError, match="over 2 inputs, but this network has 3"):
        bp.plot_decision_boundary(three, np.ones((4, 3)), [0, 1, 1, 0])
    net = bp.Network([2, 1], output="identity", backend="numpy")
    with pytest.raises(bp.DataError, match="Y has 60 different values"):
        bp.plot_decision_boundary(net, X, X[:, 0])
    with pytest.raises(bp.ShapeError):
        bp.plot_decision_boundary(net, X, [0, 1])
    with pytest.raises(bp.ConfigurationError, match="no such kind of picture"):
        bp.plot_decision_boundary(net, X, X[:, 0] > 0, "boundary.gif")
