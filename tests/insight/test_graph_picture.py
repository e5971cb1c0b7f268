"""The computational graph: complete, readable, and nothing on top of anything else."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from cases import HIDDEN, OUTPUTS, PAIRS, targets

import backprop_xp as bp
from backprop_xp.insight.mathtext import math
from backprop_xp.pictures import GREY, VERMILLION

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex

NETWORKS = [
    ([2, 1], "tanh", "sigmoid"),
    ([2, 3, 1], "tanh", "sigmoid"),
    ([2, 5, 4, 3], ["gelu", "relu"], "softmax"),
    ([3, 4, 4, 4, 4, 2], ["elu", "relu", "sigmoid", "silu"], "tanh"),
    ([9, 80, 70, 60], "softplus", "identity"),
]

# Every loss and every output at least once.
FORMULAS = [
    *PAIRS[:5],
    *((output, "squared_error") for output in OUTPUTS),
    ("identity", "absolute_error"),
    ("tanh", "huber"),
]


def picture(sizes, hidden="tanh", output="sigmoid", loss=None, rows=4, scale=1.0, **options):
    rng = np.random.default_rng(3)
    net = bp.Network(sizes, hidden, output, loss, backend="numpy", **options)
    Y = targets(net.loss.name, rng, (rows, sizes[-1]))
    return bp.explain(net, scale * rng.normal(size=(rows, sizes[0])), Y).plot()


def own(name):
    """An activation of the user's own."""
    return bp.Activation(name, lambda xp, z: xp.tanh(z), lambda xp, z, a: 1.0 - a**2)


def boxes(figure):
    """Every text with its extent in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in texts]


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def marks(found, sign):
    """How many gradients of parameters bear this sign."""
    return sum(text.endswith(f"  {sign}") for text in found)


def styles(figure, start):
    """The sizes and colours of the texts that begin with the name of an equation."""
    texts = figure.axes[0].texts
    return {(text.get_size(), text.get_color()) for text in texts if text.get_text()[:2] == start}


@pytest.mark.parametrize("rows", [4, 30])
@pytest.mark.parametrize(("sizes", "hidden", "output"), NETWORKS)
def test_no_text_overlaps_another_or_leaves_the_picture(sizes, hidden, output, rows):
    figure = picture(sizes, hidden, output, rows=rows)
    found = boxes(figure)
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in found:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    for (one, a), (two, b) in combinations(found, 2):
        assert not a.shrunk(0.97, 0.97).overlaps(b), f"{one!r} lies on {two!r}"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5])
def test_numbers_of_any_size_fit(scale):
    found = boxes(picture([3, 4, 2], "identity", "identity", scale=scale))
    for (one, a), (two, b) in combinations(found, 2):
        assert not a.shrunk(0.97, 0.97).overlaps(b), f"{one!r} lies on {two!r}"


@pytest.mark.parametrize(("output", "loss"), FORMULAS)
def test_every_pair_of_output_and_loss(output, loss):
    found = boxes(picture([2, 3, 3], "tanh", output, loss))
    for (one, a), (two, b) in combinations(found, 2):
        assert not a.shrunk(0.97, 0.97).overlaps(b), f"{one!r} lies on {two!r}"


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_activation(hidden):
    found = boxes(picture([2, 3, 1], hidden))
    for (one, a), (two, b) in combinations(found, 2):
        assert not a.shrunk(0.97, 0.97).overlaps(b), f"{one!r} lies on {two!r}"


def test_all_nodes_and_edges_of_the_article_are_there():
    figure = picture([2, 3, 1])
    found = words(figure)
    for node in ("X", "Y", "W[1]", "b[1]", "Z[1]", "A[1]", "W[2]", "b[2]", "Z[2]", "A[2]", "J"):
        assert math(node) in found
    for name in ("F1", "F2", "F3", "F4", "B2", "B3", "B5", "B6", "B7", "B8"):
        assert any(text == name or text.startswith(f"{name} ") for text in found), name
    assert marks(found, "✓") == 4
    arrows = [getattr(text, "arrow_patch", None) for text in figure.axes[0].texts]
    colours = [arrow.get_edgecolor() for arrow in arrows if arrow]
    # 5 + 5 edges forward and 4 + 4 back, and one of each in the legend
    assert sorted(colours.count(colour) for colour in set(colours)) == [9, 11]


@pytest.mark.parametrize("sizes", [[2, 1], [2, 3, 1], [2, 3, 4, 3, 1]])
def test_every_edge_back_has_its_factor(sizes):
    """∂A/∂Z and ∂Z/∂A between the nodes, ∂Z/∂W and ∂Z/∂b below, and ∂J/∂A[L] at the end."""
    figure = picture(sizes)
    factors = [text for text in figure.axes[0].texts if text.get_color() == GREY]
    found = [text.get_text() for text in factors]
    L = len(sizes) - 1
    wanted = [f"∂J/∂A[{L}]"]
    for l in range(1, L + 1):
        wanted += [f"∂A[{l}]/∂Z[{l}]", f"∂Z[{l}]/∂W[{l}]", f"∂Z[{l}]/∂b[{l}]"]
        wanted += [f"∂Z[{l}]/∂A[{l - 1}]"] if l > 1 else []
    for factor in wanted:
        assert sum(f"{math(factor)[:-1]} = " in text for text in found) == 1, factor
    arrows = [text.arrow_patch for text in figure.axes[0].texts if hasattr(text, "arrow_patch")]
    back = [arrow for arrow in arrows if to_hex(arrow.get_edgecolor()).upper() == VERMILLION]
    assert len(back) == len(wanted) + 1  # and one in the legend


def test_all_factors_are_set_alike():
    figure = picture([2, 3, 1])
    for name in ("B2", "B3", "B4"):
        assert styles(figure, name) == {(13.5, GREY)}
    assert styles(figure, "B7") == {(13.5, GREY), (16.0, VERMILLION)}  # and ∂J/∂W[1] itself


@pytest.mark.parametrize("sizes", [[2, 3, 1], [3, 4, 4, 4, 2], [9, 80, 70, 60]])
def test_the_smallest_print_can_be_read_at_the_width_of_a_page(sizes):
    """830 pixels wide, as on GitHub, no letter is set smaller than 9.5 pixels."""
    figure = picture(sizes)
    per_point = 830 / (figure.get_size_inches()[0] * 72)
    sizes = [text.get_size() for text in figure.axes[0].texts if text.get_text()]
    assert min(sizes) * per_point > 9.5


@pytest.mark.parametrize(
    ("hidden", "loss", "wanted"),
    [
        ("softplus", None, "∂A[1]/∂Z[1] = σ(Z[1])"),
        ("silu", None, "∂A[1]/∂Z[1] = silu'(Z[1])"),
        ("leaky_relu", None, "∂A[1]/∂Z[1] = g'(Z[1])"),
        (own("a_name_of_my_own"), None, "∂A[1]/∂Z[1] = g'(Z[1])"),
        (own("²"), None, "∂A[1]/∂Z[1] = g'(Z[1])"),
        ("tanh", "huber", "∂J/∂A[2] = (1/m) ∂j/∂A[2]"),
        ("tanh", "squared_error", "∂J/∂A[2] = (1/m) (A[2] − Y)"),
    ],
)
def test_long_formulas_are_drawn_by_name(hidden, loss, wanted):
    found = words(picture([2, 3, 1], hidden, "tanh" if loss else "sigmoid", loss))
    assert any(text.endswith(f"  {math(wanted)}") for text in found)


def test_the_values_are_those_of_the_explanation():
    net = bp.Network([2, 1], backend="numpy")
    net.W[1] = np.array([[0.25, -0.75]], dtype=np.float32)
    explanation = bp.explain(net, [[1.0, 2.0], [2.0, 1.0]], [1, 0])
    found = words(explanation.plot())
    assert "0.25 -0.75" in found
    assert "-1.25\n-0.25" in found  # Z[1]
    assert f"$J = {float(explanation['J'].value):.4g}$" in found


def test_wide_numbers_keep_the_first_and_the_last_column():
    rng = np.random.default_rng(3)
    net = bp.Network([3, 3, 1], "identity", "identity", backend="numpy")
    X = 1e5 * rng.normal(size=(2, 3))
    found = words(bp.explain(net, X, [[0.0], [1.0]]).plot())
    assert "\n".join(f"{row[0]:.1e} … {row[2]:.1e}" for row in X) in [
        text.replace("  ", " ").replace("\n ", "\n").strip() for text in found
    ]


def test_what_is_left_out_is_said():
    assert any("stand for values left out" in text for text in words(picture([2, 9, 1])))
    assert not any("left out" in text for text in words(picture([2, 3, 1])))


def test_a_deep_network_takes_several_rows():
    figure = picture([2, 3, 3, 3, 3, 1])
    assert "from above" in words(figure)
    assert words(figure).count(math("A[2]")) == 2
    assert marks(words(figure), "✓") == 10


def test_a_wrong_gradient_is_marked():
    class Wrong(bp.Network):
        def backward(self, trace, Y):
            grads = super().backward(trace, Y)
            grads.W[1][...] = 0.0
            return grads

    net = Wrong([2, 3, 1], backend="numpy")
    found = words(bp.explain(net, [[0.1, 0.9], [0.8, 0.9]], [1, 0]).plot())
    assert marks(found, "✗") == 1
    assert any("✗ differs from central differences" in text for text in found)


def test_a_name_that_is_no_mathematics():
    odd = bp.Activation("swish_2 $^{é", lambda xp, z: z, lambda xp, z, a: z**0)
    boxes(picture([2, 3, 1], odd))


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("∂J/∂W[2]", r"$\dfrac{\partial J}{\partial W^{[2]}}$"),
        ("1 − A[1]²", r"$1 - (A^{[1]})^2$"),
        ("X W[1]ᵀ + b[1]", r"$X W^{[1]T} + b^{[1]}$"),
        ("(1/m) (A[2] − Y)", r"$\dfrac{1}{m}\,(A^{[2]} - Y)$"),
        ("(A[2] − Y) / (A[2](1 − A[2]))", r"$\dfrac{A^{[2]} - Y}{A^{[2]}(1 - A^{[2]})}$"),
    ],
)
def test_mathtext(formula, wanted):
    assert math(formula) == wanted


def test_it_is_saved(tmp_path):
    explanation = bp.explain(bp.Network([2, 1], backend="numpy"), [[1.0, 2.0]], [1])
    explanation.plot(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").stat().st_size > 10_000
