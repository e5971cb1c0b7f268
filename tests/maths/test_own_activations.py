"""A user's own g may do what the array API can; a backend that cannot fuse it runs it as it is."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

# value(xp, z) and slope(xp, z, a).
OWN = {
    "bounds": (
        lambda xp, z: xp.minimum(xp.maximum(z, -1.0), 1.0),
        lambda xp, z, a: xp.astype(abs(z) < 1, z.dtype),
    ),
    "abs": (lambda xp, z: z / (1 + abs(z)), lambda xp, z, a: 1 / (1 + abs(z)) ** 2),
    "powers": (lambda xp, z: 2.0**z, lambda xp, z, a: 0.6931471805599453 * a),
    "sign": (
        lambda xp, z: xp.sign(z) * xp.sqrt(xp.abs(z) + 1),
        lambda xp, z, a: 0.5 / xp.sqrt(xp.abs(z) + 1),
    ),
    "new arrays": (
        lambda xp, z: xp.maximum(z, xp.zeros_like(z)),
        lambda xp, z, a: xp.astype(z > 0, z.dtype),
    ),
    "reductions": (
        lambda xp, z: z + 0.0 * xp.mean(z, axis=-1, keepdims=True),
        lambda xp, z, a: xp.ones_like(z),
    ),
    "a value read by the host": (
        lambda xp, z: z if float(xp.max(z)) > -1e9 else -z,
        lambda xp, z, a: xp.ones_like(z),
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_it_trains_as_on_numpy(backend, name):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((20, 4), dtype=np.float32), rng.integers(2, size=20)
    losses = []
    for on in ("numpy", backend):
        net = bp.Network([4, 5, 1], bp.Activation(name, *OWN[name]), backend=on)
        history = bp.fit(net, X, Y, epochs=4, batch_size=8, optimizer=bp.Adam(0.01))
        assert bp.check_gradients(net, X, Y).passed
        losses.append(history.loss)
    assert np.allclose(*losses, rtol=1e-5)


def test_an_error_in_it_is_the_users(backend):
    def value(xp, z):
        raise TypeError("mine")

    net = bp.Network([2, 3, 1], bp.Activation("faulty", value, value), backend=backend)
    with pytest.raises(TypeError, match="mine"):
        net.forward([[0.0, 1.0]])
