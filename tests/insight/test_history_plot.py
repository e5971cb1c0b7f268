"""plot_history: what is drawn is what happened."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import backprop_xp as bp

pytest.importorskip("matplotlib")

FULL = bp.History(
    loss=[0.9, 0.5, 0.4, 0.3],
    validation_loss=[0.8, 0.45, 0.6, 0.7],
    metrics={"validation_accuracy": [0.5, 0.7, 0.8, 0.75]},
    learning_rate=[0.1, 0.1, 0.05, 0.025],
    stopped="no better for 2 epochs",
    best_epoch=2,
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
        "epoch 2, kept": [0.45],
    }
    assert lines(metrics) == {"validation accuracy": FULL.metrics["validation_accuracy"]}
    assert lines(rate) == {"learning rate": FULL.learning_rate}
    assert rate.get_xlabel() == "epoch"
    assert metrics.get_ylabel() == "validation accuracy"


def test_the_title_tells_the_epoch_that_was_kept_and_why_the_run_ended():
    title = bp.plot_history(FULL).get_suptitle()
    assert title == "4 epochs, epoch 2 kept: validation loss 0.45\nno better for 2 epochs"


def test_an_epoch_is_marked_only_if_its_weights_were_kept():
    """The smallest validation loss is epoch 2's, but the network has the weights of epoch 4."""
    figure = bp.plot_history(replace(FULL, best_epoch=None))
    assert list(lines(figure.axes[0])) == ["training", "validation"]
    assert figure.get_suptitle() == "4 epochs\nno better for 2 epochs"


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("watched", [True, False])
def test_early_stopping_says_what_it_has_kept(restore, watched):
    net = bp.Network([1, 1], backend="numpy")
    X, Y = np.array([[0.0], [1.0]]), [0, 1]
    stopping = bp.EarlyStopping(2, min_delta=0.1, restore_best=restore)
    data = (X, Y) if watched else None
    options = {"validation_data": data, "callbacks": [stopping], "progress": False}
    history = bp.fit(net, X, Y, epochs=9, **options)
    assert len(history.loss) == 3
    assert history.best_epoch == (1 if restore else None)
    figure = bp.plot_history(history)
    kept = history.validation_loss[:1] if watched else history.loss[:1]
    assert lines(figure.axes[0]).get("epoch 1, kept") == (kept if restore else None)


@pytest.mark.parametrize("epochs", [3, 12, 40])
@pytest.mark.parametrize("best", ["first", "second", "last"])
def test_the_mark_is_whole_wherever_the_epoch_is(epochs, best):
    kept = {"first": 1, "second": 2, "last": epochs}[best]
    history = bp.History(loss=np.linspace(1, 0.1, epochs).tolist(), best_epoch=kept)
    axis = bp.plot_history(history).axes[0]
    (mark,) = (line for line in axis.get_lines() if line.get_label() == f"epoch {kept}, kept")
    assert not mark.get_clip_on()
    assert mark.get_zorder() > max(spine.get_zorder() for spine in axis.spines.values())


def test_held_out_rows_are_called_what_they_are():
    figure = bp.plot_history(FULL, held_out="test")
    assert list(lines(figure.axes[0])) == ["training", "test", "epoch 2, kept"]
    assert figure.axes[1].get_ylabel() == "test accuracy"
    assert "kept: test loss 0.45" in figure.get_suptitle()
    with pytest.raises(bp.ConfigurationError, match="held_out=3: expected a name"):
        bp.plot_history(FULL, held_out=3)


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
