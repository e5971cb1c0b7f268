"""Where a network with two inputs draws the line between classes."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from backprop_xp.data.checks import checked_data, require_network, require_single
from backprop_xp.errors import ConfigurationError, DataError, shown
from backprop_xp.maths.network import Network
from backprop_xp.pictures import BLUE, GREY, PALETTE, VERMILLION, Figure, picture

# Points along each side of the grid, and rows that run through the network at once.
_GRID, _ROWS = 300, 8192
_MARKERS = "osD^vP*"
# A single output has two classes, whatever two numbers they are.
_TWO = 2


class _Classes(NamedTuple):
    """The class of every point and, on the grid, the network's answer."""

    truth: np.ndarray
    answer: np.ndarray
    grid: np.ndarray
    names: list[str]
    border: float  # of a single output; for several the largest wins


def plot_decision_boundary(
    net: Network,
    X: Any,
    Y: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    names: tuple[str, str] = ("x₁", "x₂"),
) -> Figure:
    """Draw what a network with two inputs answers over the plane, and the examples on it.

    Parameters
    ----------
    net : Network
        With 2 inputs; one output for two classes, or one output per class.
    X, Y : array_like
        Examples with their classes, as for `fit`.
    path : path-like, optional
        Where to save the picture: .png, .svg or .pdf.
    names : (str, str)
        What the two inputs are called.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ConfigurationError
        The network has not 2 inputs, matplotlib is missing, or the path cannot be written to.
    ShapeError, DataError, BackendError
        The data do not fit the network, or are no classes.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 4, 1], backend="numpy")
    >>> X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> figure = bp.plot_decision_boundary(net, X, Y, names=("length", "width"))
    >>> figure.axes[0].get_xlabel()
    'length'
    """
    require_network(net)
    require_single(net, "plot_decision_boundary")
    if net.sizes[0] != 2:
        raise ConfigurationError(
            f"a decision boundary is drawn over 2 inputs, but this network has {net.sizes[0]}: "
            "train one on two of the features (or two principal components) first"
        )
    pair = isinstance(names, list | tuple) and len(names) == net.sizes[0]
    if not pair or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"names={shown(names)}: expected two names, of the two inputs")
    inputs, targets = checked_data(net, X, Y)
    points, targets = (np.array(net.backend.to_numpy(part)) for part in (inputs, targets))
    sides = [_side(points[:, k]) for k in (0, 1)]
    plane = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    classes = _classes(targets, _predict(net, points), _predict(net, plane))
    with picture(6.4, 5.4, path, layout="constrained") as figure:
        axis = figure.subplots()
        shape = (_GRID, _GRID)
        if targets.shape[1] == 1:
            _draw_values(figure, axis, sides, classes.grid.reshape(shape), classes.border)
        else:
            _draw_regions(axis, sides, classes.grid.reshape(*shape, -1))
        wrong = _draw_points(axis, points, classes)
        right = 1.0 - wrong / len(points)
        axis.set_title(f"{right:.1%} of {len(points)} examples on their side")
        axis.set(xlabel=names[0], ylabel=names[1], xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])
        axis.grid(False)
        figure.legend(loc="outside lower center", ncols=min(4, len(classes.names) + 1))
    return figure


def _side(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    margin = 0.12 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, _GRID)


def _predict(net: Network, points: np.ndarray) -> np.ndarray:
    backend = net.backend
    parts = [
        backend.to_numpy(net.predict(backend.asarray(points[start : start + _ROWS])))
        for start in range(0, len(points), _ROWS)
    ]
    return np.concatenate(parts)


def _classes(targets: np.ndarray, given: np.ndarray, grid: np.ndarray) -> _Classes:
    if targets.shape[1] > 1:
        names = [f"class {k}" for k in range(targets.shape[1])]
        return _Classes(targets.argmax(axis=1), given.argmax(axis=1), grid, names, 0.0)
    values = np.unique(targets)
    if len(values) > _TWO:
        raise DataError(
            f"Y has {len(values)} different values, but a single output draws the line between "
            "two classes: hand their labels, such as 0 and 1"
        )
    border = float(values.mean()) if len(values) == _TWO else 0.5
    names = [f"class {value:g}" for value in (values if len(values) == _TWO else (0, 1))]
    truth, answer = targets[:, 0] > border, given[:, 0] > border
    return _Classes(truth.astype(int), answer.astype(int), grid, names, border)


def _draw_values(
    figure: Any, axis: Any, sides: list[np.ndarray], values: np.ndarray, border: float
) -> None:
    """The output as a colour, and a line where it crosses the border."""
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    colours = LinearSegmentedColormap.from_list("classes", [BLUE, "#FFFFFF", VERMILLION])
    reach = max(abs(float(values.max()) - border), abs(float(values.min()) - border), 0.5)
    norm = TwoSlopeNorm(border, border - reach, border + reach)
    image = axis.pcolormesh(
        *sides, values, cmap=colours, norm=norm, alpha=0.55, shading="nearest", rasterized=True
    )
    bar = figure.colorbar(image, ax=axis, label="output", pad=0.02)
    bar.outline.set_visible(False)
    if values.min() < border < values.max():
        axis.contour(*sides, values, levels=[border], colors="black", linewidths=1.6)


def _draw_regions(axis: Any, sides: list[np.ndarray], values: np.ndarray) -> None:
    """The class of the largest output as a colour, paler where it leads by little."""
    from matplotlib.colors import to_rgb

    largest = values.argmax(axis=-1)
    two = np.sort(values, axis=-1)[..., -2:]
    lead = two[..., 1] - two[..., 0]
    strength = 0.15 + 0.4 * lead / (lead.max() or 1.0)
    palette = np.array([to_rgb(_colour(k)) for k in range(values.shape[-1])])
    image = 1.0 - strength[..., None] * (1.0 - palette[largest])
    extent = (*sides[0][[0, -1]], *sides[1][[0, -1]])
    axis.imshow(image, extent=extent, origin="lower", aspect="auto", interpolation="bilinear")
    for k in np.unique(largest):
        others = np.delete(values, k, axis=-1).max(axis=-1)
        margin = values[..., k] - others
        if margin.min() < 0 < margin.max():
            axis.contour(*sides, margin, levels=[0.0], colors="black", linewidths=1.2)


def _draw_points(axis: Any, points: np.ndarray, classes: _Classes) -> int:
    """Every example in the colour of its class; returns how many are on the wrong side."""
    size = 42 if len(points) < 200 else 20
    for k, name in enumerate(classes.names):
        chosen = classes.truth == k
        axis.scatter(
            *points[chosen].T,
            s=size,
            c=_colour(k),
            marker=_MARKERS[k % len(_MARKERS)],
            edgecolors="white",
            linewidths=0.8,
            label=name,
            zorder=3,
        )
    wrong = classes.truth != classes.answer
    if wrong.any():
        ring = {"facecolors": "none", "edgecolors": GREY if wrong.all() else "black"}
        axis.scatter(
            *points[wrong].T, s=4 * size, linewidths=1.3, label="wrong side", zorder=4, **ring
        )
    return int(np.count_nonzero(wrong))


def _colour(k: int) -> str:
    return PALETTE[k % len(PALETTE)]
