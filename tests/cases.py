"""Tables and small helpers that several tests share."""

from __future__ import annotations

import numpy as np

import backprop_xp as bp

HIDDEN = (
    "identity",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "softplus",
)
OUTPUTS = (*HIDDEN, "softmax")

# Every (output, loss) that may meet, written out from the documentation, not from the code.
PAIRS = (
    ("sigmoid", "binary_cross_entropy"),
    ("softmax", "cross_entropy"),
    ("softplus", "poisson"),
    ("sigmoid", "poisson"),
    ("softmax", "poisson"),
    *((g, loss) for loss in ("squared_error", "absolute_error", "huber") for g in OUTPUTS),
)

# name → (g, g') as z → −∞ and as z → ∞
LIMITS = {
    "identity": (lambda z: z, 1, lambda z: z, 1),
    "sigmoid": (lambda z: 0, 0, lambda z: 1, 0),
    "tanh": (lambda z: -1, 0, lambda z: 1, 0),
    "relu": (lambda z: 0, 0, lambda z: z, 1),
    "leaky_relu": (lambda z: z / 100, 0.01, lambda z: z, 1),
    "elu": (lambda z: -1, 0, lambda z: z, 1),
    "gelu": (lambda z: 0, 0, lambda z: z, 1),
    "silu": (lambda z: 0, 0, lambda z: z, 1),
    "softplus": (lambda z: 0, 0, lambda z: z, 1),
}

OPTIMIZERS = (
    bp.SGD(0.05),
    bp.Momentum(0.05, 0.8),
    bp.Nesterov(0.05, 0.8),
    bp.RMSprop(0.01, 0.95, 1e-6),
    bp.Adam(0.01, 0.85, 0.99, 1e-7),
    bp.AdamW(0.01, weight_decay=0.1),
)


def optimizer_id(optimizer):
    return type(optimizer).__name__


def targets(loss, rng, shape):
    """Y that the loss allows, its extreme values included."""
    if loss == "binary_cross_entropy":
        return np.clip(rng.uniform(-0.5, 1.5, shape), 0.0, 1.0)
    if loss == "cross_entropy":
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    if loss == "poisson":
        return rng.poisson(1.5, shape).astype(float)
    return rng.normal(0.0, 2.0, shape)


def random_network(backend, rng, sizes, *, scale=0.7, **options):
    """A float64 network whose b, too, are random, as they are in the midst of training."""
    net = bp.Network(sizes, backend=backend, **{"dtype": "float64", **options})
    net.theta = backend.asarray(rng.normal(0.0, scale, net.theta.shape))
    return net


def windows(net, theta):
    """{"W[1]": …, "b[1]": …}: copies of the parts of a vector like θ, as NumPy arrays."""
    parts = net.with_theta(net.backend.asarray(theta))
    return {
        f"{name}[{l}]": net.backend.to_numpy(part).copy()
        for name, layers in (("W", parts.W), ("b", parts.b))
        for l, part in enumerate(layers, start=1)
    }


def gradient_error(net, got, wanted):
    """The largest error of each W[l] and b[l] relative to its largest entry; the worst of them."""
    got, wanted = windows(net, got), windows(net, wanted)
    tiny = np.finfo(np.float64).tiny
    return max(
        np.max(np.abs(got[name] - wanted[name])) / max(np.max(np.abs(wanted[name])), tiny)
        for name in wanted
    )
