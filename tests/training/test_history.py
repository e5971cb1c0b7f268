"""History as a person reads it: a line, and a table in a notebook."""

from __future__ import annotations

import html.parser
import math

import numpy as np

import backprop_xp as bp


def cells(text):
    """The rows of an HTML table as lists of text."""

    class Reader(html.parser.HTMLParser):
        rows, open = [], None

        def handle_starttag(self, tag, attributes):
            if tag == "tr":
                self.rows.append([])
            self.open = tag

        def handle_data(self, data):
            if self.open in ("td", "th"):
                self.rows[-1].append(data)

    reader = Reader()
    Reader.rows = []
    reader.feed(text)
    return reader.rows


def test_a_line():
    history = bp.History(
        loss=[0.5, 0.25, 0.125],
        validation_loss=[0.75, 0.5, 0.625],
        metrics={"validation_r2": [-0.5, 0.25, 0.5]},
        learning_rate=[0.1] * 3,
        seconds=[0.5, 0.25, 0.25],
        stopped="interrupted",
        best_epoch=2,
    )
    assert repr(history) == (
        "History(3 epochs in 1 s: loss 0.5 → 0.125, validation_loss 0.75 → 0.625, "
        "validation_r2 -0.5 → 0.5; with the weights of epoch 2; interrupted)"
    )
    assert repr(bp.History()) == "History(no epoch)"
    assert repr(bp.History(loss=[math.nan])) == "History(1 epoch: loss nan → nan)"


def test_a_line_is_short_however_long_the_run():
    history = bp.History(loss=[1.0] * 10_000, learning_rate=[1.0] * 10_000)
    assert len(repr(history)) < 80


def test_a_table():
    history = bp.History(
        loss=[12345.0, 0.25], metrics={"<b>": [0.5, 1.0]}, learning_rate=[0.1, 0.1], best_epoch=2
    )
    assert cells(history._repr_html_()) == [
        ["epoch", "loss", "<b>", "learning rate"],
        ["1", "12,345", "0.5", "0.1"],
        ["2 (kept)", "0", "1.0", "0.1"],
    ]
    assert "<b>" not in history._repr_html_()


def test_a_long_table_shows_its_ends():
    rows = cells(bp.History(loss=np.linspace(1, 0, 30).tolist())._repr_html_())
    assert [row[0] for row in rows[1:]] == [*"12345", "…", *map(str, range(26, 31))]
    assert rows[1][1] == "1.000"


def test_a_population():
    nets = bp.Network([1, 1], members=3, backend="numpy")
    stopping = bp.EarlyStopping(2, min_delta=0.1)
    history = bp.fit(nets, [[0.0], [1.0]], [0, 1], epochs=9, callbacks=[stopping], progress=False)
    assert history.best_epoch == stopping.best_epoch == [1, 1, 1]
    assert history.member(2).best_epoch == 1
    assert repr(history).startswith("PopulationHistory(3 epochs of 3 members in ")
    assert ", means over the members: loss 0." in repr(history)
    first = cells(history._repr_html_())[1]
    assert float(first[1]) == np.round(history.loss[0].mean(), 4)


def test_a_checkpoint_keeps_it(tmp_path):
    net = bp.Network([1, 1], backend="numpy")
    X, Y = [[0.0], [1.0]], [0, 1]
    options = {"callbacks": [bp.EarlyStopping(2, min_delta=0.1), bp.Checkpoint(tmp_path / "run")]}
    history = bp.fit(net, X, Y, epochs=9, progress=False, **options)
    resumed = bp.fit(
        bp.Network([1, 1], backend="numpy"), X, Y, epochs=9, resume=tmp_path / "run", **options
    )
    assert (history.best_epoch, resumed.best_epoch) == (1, 1)
