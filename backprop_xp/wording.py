"""Wording: counts, times and columns of numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable

# Numbers outside of these powers of ten are written with an exponent.
_SMALLEST, _LARGEST = -4, 7


def plural(count: int, noun: str, many: str = "") -> str:
    """Such as "1 row" and "2,000 rows"; `many` is the plural where it is not `noun` + s."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def quoted(value: object, most: int = 40) -> str:
    """A value for a message: text in quotes, and cut if it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    if len(text) <= most:
        return text
    return f"{text[: most - 2]}…{text[0]}" if isinstance(value, str) else f"{text[: most - 1]}…"


def duration(seconds: float) -> str:
    """Such as "0.034 s", "12 s", "3 min 20 s" and "2 h 5 min"."""
    if seconds < 9.95:
        return f"{float(f'{seconds:.2g}'):g} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def in_one_format(values: Iterable[float], digits: int = 4) -> list[str]:
    """Write a column of numbers alike: with as many decimals as give the largest its `digits`.

    Zeros at the end that all of them have are left out.
    """
    numbers = [float(value) for value in values]
    largest = max((abs(v) for v in numbers if math.isfinite(v)), default=0.0)
    power = math.floor(math.log10(largest)) if largest > 0 else 0
    if not _SMALLEST <= power < _LARGEST:
        return [f"{value:.{digits - 1}e}" for value in numbers]
    most = max(0, digits - 1 - power)
    rounded = [round(v, most) + 0.0 if math.isfinite(v) else v for v in numbers]  # −0 becomes 0
    needed = [
        len(f"{v:.{most}f}".rstrip("0").partition(".")[2]) for v in rounded if math.isfinite(v)
    ]
    decimals = max(needed, default=0)
    return [f"{value:,.{decimals}f}" for value in rounded]
