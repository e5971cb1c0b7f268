"""exp, log, log1p, expm1 and tanh as polynomials, of which LLVM makes vector instructions.

They are within 3 units in the last place of the true values. An exponent k is moved between numbers
and their bits by adding a large number, below whose last bit nothing is left: AVX2 cannot convert
between 64-bit integers and floats, and what is no number may not be converted at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backprop_xp.backends.numba_ir import Number, where


@dataclass(frozen=True)
class _Format:
    """A binary format, and polynomials that are exact enough for it.

    Attributes
    ----------
    integer : str
        The dtype of its bits.
    digits, bias : int
        Bits of the mantissa; what is added to an exponent.
    least, most : float
        Below and above these, e^x is zero and infinite.
    ln2 : (float, float)
        ln 2 in two parts, of which the first has so few digits that its multiples are exact.
    exp, log : sequence of float
        q in e^r = 1 + r + r² q(r); R in log(1+f) = f − f²/2 + s (f²/2 + s² R(s²)), s = f/(2+f).
    """

    integer: str
    digits: int
    bias: int
    least: float
    most: float
    ln2: tuple[float, float]
    exp: Sequence[float]
    log: Sequence[float]


# The coefficients of log are those of Sun's fdlibm, those of exp in float32 of Moshier's Cephes.
_FORMATS = {
    "float32": _Format(
        integer="int32",
        digits=23,
        bias=127,
        least=-104.0,
        most=89.0,
        ln2=(0.693359375, -2.12194440054690583e-4),
        exp=(
            5.0000001201e-1,
            1.6666665459e-1,
            4.1665795894e-2,
            8.3334519073e-3,
            1.3981999507e-3,
            1.9875691500e-4,
        ),
        log=(0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
    ),
    "float64": _Format(
        integer="int64",
        digits=52,
        bias=1023,
        least=-746.0,
        most=710.0,
        ln2=(6.93147180369123816490e-01, 1.90821492927058770002e-10),
        exp=tuple([1.0 / math.factorial(n) for n in range(2, 14)]),
        log=(
            6.666666666666735130e-01,
            3.999999999940941908e-01,
            2.857142874366239149e-01,
            2.222219843214978396e-01,
            1.818357216161805012e-01,
            1.531383769920937332e-01,
            1.479819860511658591e-01,
        ),
    ),
}


def exp(x: Number) -> Number:
    """e^x = 2^k e^r, with 2^k in two factors, since one of them would overflow before e^x does."""
    f = _format(x)
    x = where(x < f.least, x.like(f.least), where(x > f.most, x.like(f.most), x))
    k, r = _reduced(x)
    half = _rounded(0.5 * k)
    return (1.0 + (r + r * r * _polynomial(r, f.exp))) * _power(half) * _power(k - half)


def expm1(x: Number) -> Number:
    """e^x − 1 = 2 (2^(k−1) (e^r − 1) + (2^(k−1) − ½))."""
    f = _format(x)
    low = -(f.digits + 3.0)  # below, it is −1
    bounded = where(x < low, x.like(low), where(x > f.most, x.like(f.most), x))
    k, r = _reduced(bounded)
    half = _power(k - 1.0)
    y = half * (r + r * r * _polynomial(r, f.exp)) + (half - 0.5)
    return where(_absolute(x) < 2.0 ** -(f.digits + 2), x, y + y)


def tanh(x: Number) -> Number:
    """(1 − e^(−2|x|)) / (1 + e^(−2|x|)), with the sign of x."""
    t = expm1(-2.0 * _absolute(x))
    quotient: Number = -t / (t + 2.0)
    return quotient.call("llvm.copysign", x)


def log(x: Number) -> Number:
    """log x = k log 2 + log m, m near 1."""
    inside = (x > 0.0) & (x < math.inf)
    return where(inside, _logarithm(x, x.like(0.0)), _limits_of_log(x))


def log1p(x: Number) -> Number:
    """log u with u = 1 + x, and what was lost in rounding u, divided by u."""
    u = 1.0 + x
    lost = x - (u - 1.0)
    lost = where(u > 3.0, 1.0 - (u - x), lost)
    inside = (x > -1.0) & (x < math.inf)
    value = where(inside, _logarithm(u, lost / u), _limits_of_log(u))
    return where(_absolute(x) < 2.0 ** -(_format(x).digits + 2), x, value)


def _format(x: Number) -> _Format:
    return _FORMATS[x.dtype.name]


def _absolute(x: Number) -> Number:
    return x.call("llvm.fabs")


def _limits_of_log(x: Number) -> Number:
    """log of what is not positive and finite."""
    below = where(x == 0.0, x.like(-math.inf), x.like(math.nan))
    return where(x > 0.0, x, below)


def _reduced(x: Number) -> tuple[Number, Number]:
    """k and r, x = k log 2 + r, |r| ≤ ½ log 2."""
    k = _rounded(x * (1.0 / math.log(2.0)))
    high, low = _format(x).ln2
    return k, x - k * high - k * low


def _rounded(x: Number) -> Number:
    large = 1.5 * 2.0 ** _format(x).digits
    return (x + large) - large


def _power(k: Number) -> Number:
    """2^k of a whole number, not too large, nor so small that it is subnormal."""
    f = _format(k)
    bits = (k + 1.5 * 2.0**f.digits).as_bits(f.integer)
    return ((bits + f.bias) << f.digits).as_bits(k.dtype)


def _logarithm(x: Number, more: Number) -> Number:
    """log x + more, a small number, of a positive finite x."""
    f = _format(x)
    tiny = x < 2.0 ** (1 - f.bias)
    x = where(tiny, x * 2.0 ** (f.digits + 2), x)
    root = x.like(math.sqrt(0.5)).as_bits(f.integer)
    one = x.like(1.0).as_bits(f.integer)
    bits = x.as_bits(f.integer) + (one - root)
    shifted = bits.to_unsigned() >> f.digits
    large = 2.0**f.digits
    exponent = (shifted | x.like(large).as_bits(f.integer).to_unsigned()).as_bits(x.dtype)
    k = exponent - (large + f.bias) - where(tiny, x.like(f.digits + 2), x.like(0.0))
    mantissa = (bits & (2**f.digits - 1)) + root
    d = mantissa.as_bits(x.dtype) - 1.0
    s = d / (2.0 + d)
    square = s * s
    rest = square * _polynomial(square, f.log)
    half = 0.5 * d * d
    high, low = f.ln2
    value: Number = k * high - ((half - (s * (half + rest) + (k * low + more))) - d)
    return value


def _polynomial(x: Number, coefficients: Sequence[float]) -> Number:
    """Σ cᵢ xⁱ, by Horner's rule."""
    result = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = result * x + c
    return result
