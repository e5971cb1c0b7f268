"""Members of a population: their seeds, and options that differ from member to member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from backprop_xp.backends.base import Array, Backend
from backprop_xp.backends.host_data import host_array, host_generator
from backprop_xp.errors import ConfigurationError, DataError, ShapeError, shown
from backprop_xp.number_checks import is_count

# A float, or a tuple of floats with one for each member.
PerMember: TypeAlias = Any

_SEEDS = 2**63


def checked_members(members: Any) -> int:
    """Return the number of members, or raise ConfigurationError."""
    if not is_count(members):
        raise ConfigurationError(
            f"members={shown(members)}: expected a positive integer, or None for a single network"
        )
    return int(members)


def member_seeds(seed: Any, members: int) -> tuple[int, ...]:
    """Return a seed for each member.

    Parameters
    ----------
    seed : int, sequence of int or numpy.random.Generator
        Member k has the seed `seed` + k, or the k-th of the sequence; a generator draws them all.
    members : int

    Raises
    ------
    ConfigurationError
        These are no seeds, or not one for each member.
    """
    if is_count(seed, least=0):
        return tuple(range(int(seed), int(seed) + members))
    if not is_one_each(seed):
        return tuple(int(drawn) for drawn in host_generator(seed).integers(_SEEDS, size=members))
    given = list(seed)
    if not all(is_count(s, least=0) for s in given):
        raise ConfigurationError(f"seed={shown(seed)}: expected integers ≥ 0, one for each member")
    require_one_each("seed", given, members)
    return tuple(int(s) for s in given)


def is_one_each(value: Any) -> bool:
    """Whether this lists something for each member: a list, a tuple or a vector."""
    return isinstance(value, list | tuple) or len(getattr(value, "shape", ())) == 1


def one_each(name: str, value: Any) -> tuple[float, ...]:
    """Return such a list as floats.

    Raises
    ------
    ConfigurationError
        It holds something else than numbers, or nothing.
    """
    try:
        host = host_array(value)
    except DataError as problem:
        raise ConfigurationError(f"{name}={shown(value)}: {problem}") from None
    if host.ndim != 1 or host.dtype.kind == "b" or not host.size:
        raise ConfigurationError(
            f"{name}={shown(value)}: expected a number, or one for each member"
        )
    return tuple(host.astype("float64").tolist())


def require_one_each(name: str, values: Sequence[Any], members: int | None) -> None:
    """Raise ShapeError unless there is a value for each member of a population."""
    if members is None:
        raise ShapeError(
            f"{name} lists {len(values)} values, one for each member, but this is a single "
            f"network: give one number, or make a population with members={len(values)}"
        )
    if len(values) != members:
        raise ShapeError(
            f"{name} lists {len(values)} values, but there are {members} members: one for each"
        )


def spread(
    backend: Backend, value: PerMember, stack: tuple[int, ...], dtype: str, share: float = 1.0
) -> Array:
    """Return an option, divided by `share`, as an array (…, 1, 1) that meets every member's W."""
    if not isinstance(value, tuple):
        return backend.full((*stack, 1, 1), value / share, dtype)
    return backend.asarray([[[v / share]] for v in value], dtype)
