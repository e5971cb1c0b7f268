"""The table that print(explanation) shows."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cases import HIDDEN, PAIRS, random_network, targets

import backprop_xp as bp
from backprop_xp.insight.explanation_text import cells

X = np.array([[0.1, 0.2], [0.1, 0.9], [0.8, 0.2], [0.9, 0.8]])
Y = [0, 1, 1, 0]
HOST = bp.get_backend("numpy")


@pytest.mark.parametrize("sizes", [[2, 1], [2, 3, 1], [2, 80, 40, 1]])
@pytest.mark.parametrize("rows", [1, 4, 50])
def test_a_terminal_of_100_columns_is_wide_enough(rng, sizes, rows):
    net = bp.Network(sizes, backend="numpy")
    text = str(bp.explain(net, rng.normal(size=(rows, 2)), rng.integers(2, size=rows)))
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r" $", text, re.MULTILINE)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_formula_fits(rng, output, loss):
    net = random_network(HOST, rng, [2, 3, 3], output=output, loss=loss)
    text = str(bp.explain(net, X, targets(loss, rng, (4, 3))))
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_activation_fits(rng, hidden):
    text = str(bp.explain(random_network(HOST, rng, [2, 3, 1], hidden=hidden), X, Y))
    assert max(map(len, text.splitlines())) <= 100


def test_the_lines_of_the_article(rng):
    net = random_network(HOST, rng, [2, 3, 1])
    explanation = bp.explain(net, X, Y)
    lines = str(explanation).splitlines()
    assert lines[0] == (
        "Backpropagation with numbers: a 2-3-1 network (tanh → sigmoid, binary cross entropy)"
    )
    starts = [
        " F1    Z[1] = X W[1]ᵀ + b[1]                           4 × 3",
        " F2    A[1] = tanh(Z[1])                               4 × 3",
        " F4    A[2] = σ(Z[2])                                  4 × 1",
        " J     j = −Y log A[2] − (1−Y) log(1−A[2])             4 × 1",
        " B1    ∂J/∂W[2] = ∂J/∂A[2] · ∂A[2]/∂Z[2] · ∂Z[2]/∂W[2]",
        " B3    ∂J/∂A[2] = (1/m) (A[2] − Y) / (A[2](1 − A[2]))  4 × 1",
        " B2    ∂A[2]/∂Z[2] = A[2](1 − A[2])                    4 × 1",
        " B5    ∂J/∂W[2] = (∂J/∂Z[2])ᵀ A[1]                     1 × 3",
        " B7    ∂Z[2]/∂A[1] = W[2]                              1 × 3",
        " B8    ∂J/∂b[1] = Σ_i ∂J/∂Z[1]_i                       3",
        " U1    new W[2] = W[2] − α ∂J/∂W[2]                    1 × 3",
    ]
    places = [next(i for i, line in enumerate(lines) if line.startswith(s)) for s in starts]
    assert places == sorted(places)
    assert sum("central differences: ✓" in line for line in lines) == 4
    (W,) = (line for line in lines if line.startswith(" I0    W[2], weights"))
    assert W.split()[-3:] == [f"{w:.4f}" for w in net.backend.to_numpy(net.W[2])[0]]
    assert lines[-1] == "and the products of the factors are the gradients of net.backward."


def test_what_is_left_out_is_said(rng):
    net = bp.Network([2, 30, 1], backend="numpy")
    text = str(bp.explain(net, X, Y))
    assert text.splitlines()[-1].startswith("… and ⋮ stand for values left out here")
    assert "⋮" in text
    assert "…" not in str(bp.explain(bp.Network([2, 1], backend="numpy"), X, Y))


def test_a_softmax_says_that_its_slope_is_a_jacobian(rng):
    net = bp.Network([2, 3], output="softmax", backend="numpy")
    text = str(bp.explain(net, X, [0, 1, 2, 0]))
    assert "∂A[1]/∂Z[1] = A[1]ᵢ (δᵢⱼ − A[1]ⱼ)" in text
    assert "4 × 3 × 3" in text
    assert "a Jacobian, 3 × 3, for each of the 4 examples; that of example 1 is shown" in text


def test_large_networks_are_checked_along_random_directions(rng):
    net = bp.Network([2, 60, 50, 1], backend="numpy")
    explanation = bp.explain(net, X, Y)
    assert explanation["dJ/dW[1]"].difference is None
    assert "20 random directions" in str(explanation)


def test_kinks_are_told(rng):
    net = bp.Network([2, 3, 1], "relu", "identity", backend="numpy")
    assert "at a kink" in str(bp.explain(net, np.zeros((3, 2)), [1, 2, 3]))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([1.0, 0.0, 1.0], [["1", "0", "1"]]),
        ([1.5, 0.0, -2.0], [["1.500", "0", "-2.000"]]),
        ([0.05, -0.00001], [["0.0500", "0.0000"]]),
        ([2e-5, 1e-7], [["2.0e-05", "1.0e-07"]]),
        ([np.inf, -np.inf, 2.5], [["∞", "-∞", "2.500"]]),
        ([1, 2, 3, 4, 5, 6], [["1", "2", "…", "6"]]),
        ([[1], [2], [3], [4]], [["1"], ["⋮"], ["4"]]),
    ],
)
def test_cells(value, wanted):
    assert cells(np.array(value), 3, 4, digits=3) == wanted


def test_the_repr_is_one_line(rng):
    explanation = bp.explain(bp.Network([2, 1], backend="numpy"), X, Y)
    assert repr(explanation).startswith("<Explanation of Network([2, 1]")
    assert repr(explanation["Z[1]"]) == "<F3 Z[1] = X W[1]ᵀ + b[1], shape (4, 1)>"
