"""plot_history: what is drawn is what happened."""

from __future__ import annotations

import math

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.training.history_plot import best_epoch

pytest.importorskip("matplotlib")

FULL = bp.History(
    loss=[0.9, 0.5, 0.4, 0.3],
    validation_loss=[0.8, 0.45, 0.6, 0.7],
    metrics={"validation_accuracy": [0.5, 0.7, 0.8, 0.75]},
    learning_rate=[0.1, 0.1, 0.05, 0.025],
    stopped="no better for 2 epochs",
)


def lines(axis):
    """{label: y} of the labelled lines of a panel."""
    found = {line.get_label(): list(line.get_ydata()) for line in axis.get_lines()}
    return {label: y for label, y in found.items() if not label.startswith("_")}


def test_every_curve_is_there():
    losses, metrics, rate = bp.plot_history(FULL).axes
    assert lines(losses) == {
        "training": FULL.loss,
        "validation": FULL.validation_loss,
        "best epoch": [0.45],
    }
    assert lines(metrics) == {"validation accuracy": FULL.metrics["validation_accuracy"]}
    assert lines(rate) == {"learning rate": FULL.learning_rate}
    assert rate.get_xlabel() == "epoch"
    assert metrics.get_ylabel() == "validation accuracy"


def test_the_title_tells_the_best_epoch_and_why_the_run_ended():
    title = bp.plot_history(FULL).get_suptitle()
    assert title == "4 epochs, best 2: validation loss 0.45\nno better for 2 epochs"


def test_only_what_there_is():
    figure = bp.plot_history(bp.History(loss=[0.9], learning_rate=[0.1]))
    (losses,) = figure.axes
    assert lines(losses) == {"training": [0.9]}
    assert figure.get_suptitle() == "1 epoch"


def test_several_metrics_share_a_panel():
    metrics = {"validation_accuracy": [0.5, 0.6], "validation_f1": [0.4, 0.5]}
    axis = bp.plot_history(bp.History(loss=[2.0, 1.0], metrics=metrics)).axes[1]
    assert list(lines(axis)) == ["validation accuracy", "validation f1"]
    assert axis.get_legend() is not None


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (0.001, "log"), (0.0, "linear")])
def test_losses_that_fall_far_get_a_logarithmic_axis(last, scale):
    assert bp.plot_history(bp.History(loss=[1.0, last])).axes[0].get_yscale() == scale


@pytest.mark.parametrize(
    ("losses", "best"), [([], None), ([3, 1, 2], 2), ([math.nan, 2, 1], 3), ([math.nan], None)]
)
def test_the_best_epoch(losses, best):
    assert best_epoch(bp.History(validation_loss=losses)) == best


@pytest.mark.parametrize("epochs", [3, 12, 40])
@pytest.mark.parametrize("best", [1, 2, -1])
def test_the_mark_is_whole_wherever_the_best_epoch_is(epochs, best):
    losses = np.full(epochs, 0.9)
    losses[best - 1 if best > 0 else best] = 0.1
    history = bp.History(loss=[1.0] * epochs, validation_loss=list(losses))
    axis = bp.plot_history(history).axes[0]
    (mark,) = (line for line in axis.get_lines() if line.get_label() == "best epoch")
    assert not mark.get_clip_on()
    assert mark.get_zorder() > max(spine.get_zorder() for spine in axis.spines.values())


def test_losses_that_are_not_finite(tmp_path):
    history = bp.History(loss=[1.0, math.inf, math.nan], validation_loss=[math.nan, 1.0, math.inf])
    bp.plot_history(history, tmp_path / "history.png")


def test_a_history_draws_itself(tmp_path):
    net = bp.Network([1, 1], backend="numpy")
    X = np.array([[0.0], [1.0]])
    history = bp.fit(net, X, [0, 1], epochs=3, validation_data=(X, [0, 1]), progress=False)
    figure = history.plot(tmp_path / "history.png")
    assert lines(figure.axes[0])["validation"] == history.validation_loss
    assert (tmp_path / "history.png").exists()


def test_nothing_to_draw():
    with pytest.raises(bp.ConfigurationError, match="no epoch to draw"):
        bp.plot_history(bp.History())
    with pytest.raises(bp.ConfigurationError, match=r"expected what fit returned"):
        bp.plot_history([1.0, 0.5])
