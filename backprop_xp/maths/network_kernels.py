"""The kernels of one network, chosen for its activations and its loss, on its backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from backprop_xp.backends.base import Array, Backend, Kernel
from backprop_xp.maths import kernels
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.architecture import Architecture
from backprop_xp.maths.layers import by_layer

# A kernel on a backend: run(out, *others).
Run: TypeAlias = Callable[..., None]


class NetworkKernels:
    """What the lines of `Network` call beside products.

    Attributes
    ----------
    plus_b_then_g, times_slope : list of callable
        One for each layer, as `by_layer` counts them; `times_slope` for the hidden ones.
    loss_values, output_gradient, add_l2, add_l1, l2_gradient, l1_gradient : callable
        See `maths.kernels`.
    """

    def __init__(self, backend: Backend, described: Architecture) -> None:
        self._backend = backend
        hidden, output, loss = described.hidden, described.output, described.loss
        self.plus_b_then_g = self._by_layer(kernels.plus_b_then_g, described.activations)
        self.times_slope = self._by_layer(kernels.times_slope, hidden)
        self._times_dropped_slope = self._by_layer(kernels.times_dropped_slope, hidden)
        self.loss_values = self._run(output, kernels.loss_values(loss, output))
        self.output_gradient = self._run(output, kernels.output_gradient(loss, output))
        self.add_l2 = backend.elementwise(kernels.add_l2)
        self.add_l1 = backend.general(kernels.add_l1)
        self.l2_gradient = backend.elementwise(kernels.l2_gradient)
        self.l1_gradient = backend.elementwise(kernels.l1_gradient)

    def times_slope_with_dropout(self, D: Sequence[Array]) -> list[Run]:
        """`times_slope` for a pass with dropout: where a layer has factors D[l], they join in."""
        runs = list(self.times_slope)
        for l, dropped in enumerate(self._times_dropped_slope):
            if D[l] is not None:
                runs[l] = _with_factors(dropped, D[l])
        return runs

    def _by_layer(
        self, kernel: Callable[[Activation], Kernel], activations: Sequence[Activation]
    ) -> list[Run]:
        return by_layer(self._run(g, kernel(g)) for g in activations)

    def _run(self, g: Activation, kernel: Kernel) -> Run:
        """Take the primitive that fits: softmax looks at whole rows, all other g at elements."""
        return self._backend.elementwise(kernel) if g.elementwise else self._backend.general(kernel)


def _with_factors(times_dropped_slope: Run, D: Array) -> Run:
    def times_slope(dH: Array, Z: Array, A: Array) -> None:
        times_dropped_slope(dH, Z, A, D)

    return times_slope
