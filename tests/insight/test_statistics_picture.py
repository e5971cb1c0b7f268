"""The picture of the layers: every number that was measured, and the advice."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

pytest.importorskip("matplotlib")

RNG = np.random.default_rng(4)
X = RNG.standard_normal((64, 30))
Y = (X[:, :1] > 0).astype(float)


def measured(net, epochs=2):
    """Statistics of a short run."""
    statistics = bp.LayerStatistics()
    options = {"optimizer": bp.SGD(0.1), "callbacks": [statistics], "progress": False}
    bp.fit(net, X, Y, epochs=epochs, **options)
    return statistics


def titles(figure):
    return [axis.get_title(loc="left") for axis in figure.axes]


def curves(axis):
    """{label: y} of the lines of layers in a panel."""
    lines = [line for line in axis.get_lines() if line.get_label().startswith("layer")]
    return {line.get_label(): list(line.get_ydata()) for line in lines}


@pytest.mark.parametrize("depth", [1, 3, 12])
def test_the_picture(tmp_path, depth):
    net = bp.Network([30, *[8] * (depth - 1), 1], backend="numpy")
    statistics = measured(net, 3)
    figure = statistics.plot(tmp_path / "statistics.png")
    assert (tmp_path / "statistics.png").exists()
    gradients = figure.axes[titles(figure).index("Gradients ∂J/∂W[l], root mean square")]
    assert list(curves(gradients).values()) == [
        statistics.series("dW", l)[1] for l in range(1, depth + 1)
    ]
    assert f"layer {depth} (output)" in curves(gradients)


ALWAYS = [
    "Activations A[l], root mean square",
    "Gradients ∂J/∂Z[l], root mean square",
    "Gradients ∂J/∂W[l], root mean square",
    "Relative change of W[l]",
]


@pytest.mark.parametrize(
    ("hidden", "shift", "scale", "shown", "said"),
    [
        ("sigmoid", 0.0, 0.01, [], ["No output saturated."]),
        ("tanh", 0.0, 0.01, [], ["No output saturated."]),
        ("tanh", 0.0, 50.0, ["Saturated outputs"], []),
        ("relu", 0.0, 1.0, [], ["No unit was ever dead."]),
        ("gelu", -100.0, 1.0, ["Dead units"], []),
        (["relu", "sigmoid"], -100.0, 1.0, ["Dead units", "Saturated outputs"], []),
        (["relu", "sigmoid"], 0.0, 0.01, [], ["No unit was ever dead.", "No output saturated."]),
    ],
)
def test_a_panel_is_there_if_it_says_something(hidden, shift, scale, shown, said):
    depth = len(hidden) if isinstance(hidden, list) else 1
    net = bp.Network([30, *[8] * depth, 1], hidden, "identity", backend="numpy")
    for l in range(1, depth + 1):
        net.b[l] = net.b[l] + shift
        net.W[l] = net.W[l] * scale
    statistics = bp.LayerStatistics()
    for epoch in range(2):
        statistics.record(net, X.astype("float32"), Y.astype("float32"), epoch=epoch)
    figure = statistics.plot()
    assert titles(figure) == [*shown, *ALWAYS]
    words = figure.get_supxlabel()
    for sentence in ("No unit was ever dead.", "No output saturated."):
        assert (sentence in words) == (sentence in said)


def test_shares_are_drawn_of_the_layers_that_they_exist_for():
    """Neither the output, which may be flat, nor a tanh layer among the dead."""
    net = bp.Network([30, 8, 8, 1], ["tanh", "relu"], "sigmoid", backend="numpy")
    net.W[1] = net.W[1] * 50.0
    net.b[2] = net.b[2] - 100.0
    dead, saturated = measured(net).plot().axes[:2]
    assert list(curves(dead)) == ["layer 2"]
    assert list(curves(saturated)) == ["layer 1"]


def test_a_single_measurement_has_no_change_to_draw():
    net = bp.Network([30, 8, 1], "identity", backend="numpy")
    statistics = bp.LayerStatistics()
    statistics.record(net, X.astype("float32"), Y.astype("float32"))
    assert titles(statistics.plot()) == ALWAYS[:3]


@pytest.mark.parametrize("depth", [2, 12])
def test_nothing_is_written_on_the_curves(depth):
    """What the lines mean stands in one legend above the panels."""
    net = bp.Network([30, *[8] * (depth - 1), 1], "relu", backend="numpy")
    net.b[1] = net.b[1] - 100.0
    figure = measured(net).plot()
    assert [text for axis in figure.axes for text in axis.texts] == []
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == [*[f"layer {l}" for l in range(1, depth)], f"layer {depth} (output)",
                     "a problem above"]  # fmt: skip
    figure.canvas.draw()
    assert all(not legend.get_window_extent().overlaps(axis.bbox) for axis in figure.axes)
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_a_line_ends_where_it_falls_to_zero():
    """On a logarithmic axis there is no place for a zero, and the picture says so."""
    net = bp.Network([30, *[8] * 4, 1], "relu", backend="numpy")
    net.theta = net.theta * 0.3
    statistics = bp.LayerStatistics()
    batch = X.astype("float32"), Y.astype("float32")
    statistics.record(net, *batch)
    net.b[4] = net.b[4] - 1e4
    for epoch in (1, 2):
        statistics.record(net, *batch, epoch=epoch)
    dead, _, gradients, *_ = statistics.plot().axes
    assert gradients.get_yscale() == "log"
    assert gradients.get_xlabel() == "epoch (a line ends where it falls to 0)"
    assert dead.get_xlabel() == "epoch"


def test_the_picture_gives_the_advice(tmp_path):
    net = bp.Network([30, 8, 1], "relu", backend="numpy")
    net.b[1] = net.b[1] - 100.0
    figure = measured(net).plot(tmp_path / "statistics.svg")
    assert "8 of 8 relu units are dead" in figure.get_supxlabel()
    healthy = measured(bp.Network([30, 8, 1], backend="numpy")).plot()
    assert "every layer learns" in healthy.get_supxlabel()
