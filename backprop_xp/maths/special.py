"""The Gaussian distribution, which the array API does not have."""

from __future__ import annotations

import math

from backprop_xp.backends.base import Array, Namespace

# Chebyshev coefficients in s = 2t − 1 of log(erfc(x) e^{x²} / t), t = 2/(2 + x), x ≥ 0. They were
# computed in 50 digits from their integral; the tests compare the result with math.erfc.
CHEBYSHEV = (
    -0.651326859890854718,
    0.641969792356490262,
    0.019476473204185835,
    -0.0095615147868086303,
    -0.000946595344482038206,
    0.000366839497852762788,
    0.0000425233248069064407,
    -0.0000202785781125329182,
    -1.62429000464834356e-6,
    1.30365583558183347e-6,
    1.56264417207645619e-8,
    -8.52380959136345367e-8,
    6.52905443781730655e-9,
    5.05934349682167467e-9,
    -9.91364157751029068e-10,
    -2.27365121048259521e-10,
    9.64679097891563294e-11,
    2.39403929926926261e-12,
    -6.88602872712536713e-12,
    8.94489111511701851e-13,
    3.13090972968444315e-13,
    -1.1270707468437892e-13,
    3.79960420201956848e-16,
    7.10720812043183192e-15,
    -1.52411834869942266e-15,
    -9.35059051833363829e-17,
    1.19976517772573542e-16,
)

# Beyond this |z| both tails are zero, in float64 too; without the bound z² could overflow.
_FAR = 50.0


def normal_cdf(xp: Namespace, z: Array) -> Array:
    """Φ(z) = ½ erfc(−z/√2), with full relative accuracy in the lower tail."""
    x = xp.minimum(xp.abs(z), _FAR) * math.sqrt(0.5)
    t = 2.0 / (2.0 + x)
    s = 2.0 * t - 1.0
    twice = 2.0 * s
    this, last = 0.0 * s, 0.0 * s
    for coefficient in reversed(CHEBYSHEV[1:]):  # Clenshaw's recurrence
        this, last = twice * this - last + coefficient, this
    tail = 0.5 * t * xp.exp(s * this - last + CHEBYSHEV[0] - x * x)
    return xp.where(z > 0, 1.0 - tail, tail)


def normal_density(xp: Namespace, z: Array) -> Array:
    """φ(z) = e^{−z²/2} / √(2π), the derivative of Φ."""
    bounded = xp.minimum(xp.abs(z), _FAR)
    return xp.exp(-0.5 * bounded * bounded) * (1.0 / math.sqrt(2.0 * math.pi))
