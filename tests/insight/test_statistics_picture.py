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


@pytest.mark.parametrize("depth", [1, 3, 12])
def test_the_picture(tmp_path, depth):
    net = bp.Network([30, *[8] * (depth - 1), 1], backend="numpy")
    statistics = measured(net, 3)
    figure = statistics.plot(tmp_path / "statistics.png")
    assert (tmp_path / "statistics.png").exists()
    assert len(figure.axes) == 6
    gradients = figure.axes[4]
    assert gradients.get_title(loc="left") == "Gradients ∂J/∂W[l], RMS"
    drawn = [line for line in gradients.get_lines() if line.get_label().startswith("layer")]
    assert [list(line.get_ydata()) for line in drawn] == [
        statistics.series("dW", l)[1] for l in range(1, depth + 1)
    ]
    assert "every layer learns" in figure.get_supxlabel()


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
    axes = statistics.plot().axes
    assert axes[3].get_yscale() == "log"
    assert axes[3].get_xlabel() == "epoch\n(a line ends where it falls to 0)"
    assert axes[5].get_xlabel() == "epoch"


def test_the_picture_gives_the_advice(tmp_path):
    net = bp.Network([30, 8, 1], "relu", backend="numpy")
    net.b[1] = net.b[1] - 100.0
    figure = measured(net).plot(tmp_path / "statistics.svg")
    assert "8 of 8 relu units are dead" in figure.get_supxlabel()
