"""BatchModel: what a network needs for one batch: X and Y as it takes them, a trace, a gradient."""

from __future__ import annotations

from typing import Any

from backprop_xp.backends.base import Array
from backprop_xp.maths.arguments import as_inputs, as_targets, as_weights
from backprop_xp.maths.model import Model
from backprop_xp.maths.parameters import Parameters
from backprop_xp.maths.trace import Trace


class BatchModel(Model):
    """A model that takes batches; the lines of `Network` are all that it lacks."""

    def trace(
        self,
        rows: int,
        in_place: bool = False,
        dropout: bool = False,
        penalty_per_row: bool = False,
        own_patterns: bool = False,
    ) -> Trace:
        """An empty trace for so many examples, with or without dropout.

        With `in_place`, A[l] is written over Z[l] if it can. With `penalty_per_row`, J holds the
        penalties divided by the number of rows (or by Σw). With `own_patterns`, each member has a
        pattern of dropped units of its own.
        """
        over = [in_place and g.slope_from_a for g in self.hidden]
        rates = self.architecture.dropout if dropout else ()
        dtype, stack = self.dtype, self.stack
        trace = Trace(self.backend, self.sizes, rows, dtype, stack, over, rates, own_patterns)
        trace.l2, trace.l1 = self._penalties
        if penalty_per_row:
            self.share_penalties(trace)
        return trace

    def share_penalties(self, trace: Trace) -> None:
        """Let the rows of a trace share the penalties: they are divided by m or Σw."""
        trace.share_penalties(self._penalties, (self.architecture.l2, self.architecture.l1))

    def gradient(self) -> Parameters:
        """Uninitialized parameters of the shape of these."""
        xp = self.backend.xp
        return Parameters(xp, self.sizes, xp.empty_like(self.theta))

    def as_inputs(self, X: Any, name: str = "X", move: bool = False) -> Array:
        """Return X as this network takes it; see `arguments.as_inputs`."""
        n_0, dtype, stack = self.sizes[0], self.dtype, self.stack
        if self.is_plain(X) and X.shape[1] == n_0 and X.shape[0] > 0:
            return X
        return as_inputs(self.backend, X, n_0, dtype, stack, name, move, self.columns)

    def as_targets(self, Y: Any, rows: int, name: str = "Y", move: bool = False) -> Array:
        """Return Y as this network takes it; see `arguments.as_targets`."""
        n_L, dtype, stack, classes = self.sizes[-1], self.dtype, self.stack, self._classes
        if self.is_plain(Y) and Y.shape == (rows, n_L):
            return self.backend.xp.reshape(Y, (*(1 for _ in stack), rows, n_L)) if stack else Y
        return as_targets(self.backend, Y, rows, n_L, dtype, stack, classes, name, move)

    def as_weights(self, weights: Any, rows: int, move: bool = False) -> Array:
        """Return weights of examples as this network takes them; see `arguments.as_weights`."""
        if weights is None:
            return None
        xp, shapes = self.backend.xp, ((rows,), (rows, 1))
        if not self.stack and self.backend.owns(weights) and weights.shape in shapes:
            if weights.dtype == xp.float32:
                weights = xp.astype(weights, xp.float64)
            if weights.dtype == xp.float64:  # which needs no conversion
                return xp.reshape(weights, (1, rows))
        return as_weights(self.backend, weights, rows, self.stack, move=move)

    def is_plain(self, array: Any) -> bool:
        """Whether this is a matrix that needs no conversion: which most are."""
        return self.backend.owns(array) and array.ndim == 2 and bool(array.dtype == self._dtype)
