"""The formulas of activations and losses as text, with their derivatives beside them."""

from __future__ import annotations

from backprop_xp.maths.activations import ACTIVATIONS, Activation
from backprop_xp.maths.losses import Loss

# name → g(Z) (F2, F4) and ∂A/∂Z (B2, g'), where {Z} and {A} are the layer's Z[l] and A[l].
_ACTIVATIONS = {
    "identity": ("{Z}", "1"),
    "sigmoid": ("σ({Z})", "{A}(1 − {A})"),
    "tanh": ("tanh({Z})", "1 − {A}²"),
    "relu": ("max({Z}, 0)", "1 where {Z} > 0, else 0"),
    "leaky_relu": ("max({Z}, 0.01 {Z})", "1 where {Z} > 0, else 0.01"),
    "elu": ("{Z} if > 0, else e^{Z} − 1", "1 where {Z} > 0, else e^{Z}"),
    "gelu": ("{Z} ∗ Φ({Z})", "Φ({Z}) + {Z} ∗ φ({Z})"),
    "silu": ("{Z} ∗ σ({Z})", "σ({Z}) + {A} ∗ (1 − σ({Z}))"),
    "softplus": ("log(1 + e^{Z})", "σ({Z})"),
    "softmax": ("e^{Z} / Σ e^{Z}", "{A}ᵢ (δᵢⱼ − {A}ⱼ)"),
}

# name → j (J) and ∂j/∂A (B3), where {A} is the output A[L].
_LOSSES = {
    "binary_cross_entropy": (
        "−Y log {A} − (1−Y) log(1−{A})",
        "({A} − Y) / ({A}(1 − {A}))",
    ),
    "cross_entropy": ("−Y log {A}", "(−Y / {A})"),
    "squared_error": ("½ ({A} − Y)²", "({A} − Y)"),
    "absolute_error": ("|{A} − Y|", "sign({A} − Y)"),
    "huber": ("½ e² if |e| ≤ 1, else |e| − ½, e = {A} − Y", "clip({A} − Y, −1, 1)"),
    "poisson": ("{A} − Y log {A}", "(1 − Y / {A})"),
}


def activation_formula(g: Activation, l: int) -> str:
    """What A[l] is, such as "tanh(Z[1])"."""
    value, _ = _activation(g)
    return value.format(Z=f"Z[{l}]", A=f"A[{l}]")


def slope_formula(g: Activation, l: int) -> str:
    """What ∂A[l]/∂Z[l] is, such as "1 − A[1]²"."""
    _, slope = _activation(g)
    return slope.format(Z=f"Z[{l}]", A=f"A[{l}]")


def loss_formula(loss: Loss, l: int) -> str:
    """What j is for one output of one example, such as "½ (A[2] − Y)²"."""
    return _LOSSES[loss.name][0].format(A=f"A[{l}]")


def loss_slope_formula(loss: Loss, l: int) -> str:
    """What ∂j/∂A[L] is, such as "−Y / A[2]"."""
    return _LOSSES[loss.name][1].format(A=f"A[{l}]")


def _activation(g: Activation) -> tuple[str, str]:
    if ACTIVATIONS.get(g.name) is g:
        return _ACTIVATIONS[g.name]
    name = g.name.replace("{", "{{").replace("}", "}}")  # which the user has chosen
    return f"{name}({{Z}})", f"{name}'({{Z}})"
