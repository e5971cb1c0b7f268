"""Real data that come with the package."""

from __future__ import annotations

import io

import numpy as np

from backprop_xp.datasets.base import Dataset


def breast_cancer() -> Dataset:
    """Breast Cancer Wisconsin (Diagnostic): 569 × 30, malignant or benign (CC BY 4.0).

    Returns
    -------
    Dataset
        Y is 1 for benign (357 rows), 0 for malignant (212).

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.breast_cancer()
    >>> data.X.shape, data.class_names
    ((569, 30), ('malignant', 'benign'))
    """
    columns, *lines = _content("breast_cancer.csv").decode().splitlines()
    names, table = columns.split(","), np.loadtxt(lines, delimiter=",")
    return Dataset(
        name="Breast Cancer Wisconsin (Diagnostic)",
        X=table[:, :-1],
        Y=table[:, -1].astype(np.int64),
        feature_names=tuple(names[:-1]),
        class_names=("malignant", "benign"),
    )


def digits() -> Dataset:
    """Handwritten digits of 8 × 8 pixels: 1,797 × 64, ten classes (CC BY 4.0).

    Returns
    -------
    Dataset
        A row of X is an image, row by row: the ink of a pixel is 0 … 16. `X.reshape(-1, 8, 8)` are
        the images.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> data = bp.datasets.digits()
    >>> data.X.shape, data.Y[:5].tolist()
    ((1797, 64), [0, 1, 2, 3, 4])
    >>> for row in data.X[0].reshape(8, 8):
    ...     print("".join(" ░▒▓█"[round(ink / 4)] for ink in row).rstrip())
      ░▓▒
      ▓█▒█░
     ░█  ▓▒
     ░▓  ▒▒
     ░▒  ▒▒
     ░▓  ▓▒
      █░▒▓
      ▒▓▒
    """
    with np.load(io.BytesIO(_content("digits.npz")), allow_pickle=False) as file:
        X, Y = file["X"].astype(np.float64), file["Y"].astype(np.int64)
    return Dataset(
        name="Optical Recognition of Handwritten Digits",
        X=X,
        Y=Y,
        feature_names=tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8)),
        class_names=tuple("0123456789"),
    )


def _content(name: str) -> bytes:
    from importlib.resources import files  # here, because it takes long to import

    return files(__package__).joinpath(name).read_bytes()
