"""LayerRecord: what was measured of a layer after an epoch."""

from __future__ import annotations

from typing import NamedTuple

# The activations that are flat on both sides, with their largest slopes.
SATURATING = {"sigmoid": 0.25, "tanh": 1.0}
# Those for which a unit can be flat for every example.
DYING = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus")


class LayerRecord(NamedTuple):
    """What was measured of one layer after one epoch.

    Attributes
    ----------
    epoch : int
        0 is before the first one.
    layer : int
        l.
    activation : str
        The name of g.
    units : int
        n_l.
    dead : float
        The fraction of units of relu or its kin whose slope is about 0 for every example.
    saturated : float
        The fraction of outputs of sigmoid or tanh at which the slope is about 0.
    A, dZ, dW, W : float
        Root mean squares of A[l], ∂J/∂Z[l], ∂J/∂W[l] and W[l]. dZ is 0 if the `backward` of a
        subclass leaves `trace.dZ` empty.
    change : float
        How far W[l] has moved since the last record, relative to its size.
    """

    epoch: int
    layer: int
    activation: str
    units: int
    dead: float
    saturated: float
    A: float
    dZ: float
    dW: float
    W: float
    change: float
