"""Layers are counted as in the article, l = 1 … L: layer 0 is the input, which has no W, b or g."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import Any

from backprop_xp.backends.base import Array


def by_layer(values: Iterable[Any]) -> list[Any]:
    """Return a list whose item l belongs to layer l; None stands for layer 0.

    A plain list, since nothing else is looked up as fast, and a step does so in every line.
    """
    return [None, *values]


class Layers(Sequence[Array]):
    """The views W[l] or b[l] of θ, which users may read and write; each is numbered by its layer.

    `layers[l] = values` writes into the view, so it stays a part of θ.
    """

    def __init__(self, name: str, views: Sequence[Array]) -> None:
        self._name = name
        self._views = tuple(views)

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, l: int) -> Array:  # type: ignore[override]
        return self._views[self._index(l)]

    def __setitem__(self, l: int, values: Array) -> None:
        view = self._views[self._index(l)]
        if values is not view:
            view[...] = values

    def __iter__(self) -> Iterator[Array]:
        return iter(self._views)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{self._name}[{l}] {w.shape}" for l, w in enumerate(self, start=1))
        return f"<{shapes}>"

    def _index(self, l: int) -> int:
        if not isinstance(l, Integral) or not 1 <= l <= len(self):
            raise IndexError(
                f"{self._name}[{l!r}]: layers are numbered as in the article, "
                f"{self._name}[1] … {self._name}[{len(self)}]"
            )
        return int(l) - 1
