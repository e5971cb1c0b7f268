"""Networks loaded from files: nothing in a file is trusted."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable
from typing import Any

from backprop_xp.backends import get_backend
from backprop_xp.backends.base import Backend
from backprop_xp.errors import CheckpointError, ShapeError
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.architecture import Architecture
from backprop_xp.maths.model import restore
from backprop_xp.maths.network import Network
from backprop_xp.maths.parameters import count
from backprop_xp.maths.saved import by_name, rebuild


def load(
    path: str | os.PathLike[str],
    backend: str | Backend | None = None,
    activations: Iterable[Activation] = (),
) -> Network:
    """Open a network that `net.save` wrote.

    Parameters
    ----------
    path : str or path-like
        A file from any backend.
    backend : str or Backend, optional
        Where the network shall live; see `get_backend`.
    activations : sequence of Activation
        Your own activations that the network uses: functions are not saved, only their names.

    Returns
    -------
    Network
        With the same θ, bit for bit, and the same architecture and dtype.

    Raises
    ------
    CheckpointError
        There is no such file; or it is no saved network, is damaged, or needs an activation.
    BackendError
        The backend is not usable here.

    Examples
    --------
    >>> import os, tempfile
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 3, 1], backend="numpy")
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = os.path.join(directory, "model.safetensors")
    ...     net.save(path)
    ...     bp.load(path, backend="numpy")
    Network([2, 3, 1], hidden=['tanh'], output='sigmoid', loss='binary_cross_entropy', \
dtype='float32', backend='numpy')
    """
    return load_network(path, backend, activations)[0]


def load_network(
    path: str | os.PathLike[str],
    backend: str | Backend | None = None,
    activations: Iterable[Activation] = (),
) -> tuple[Network, dict[str, Any]]:
    """Open what `save_network` wrote: the network, and what travelled with it; see `load`."""
    from backprop_xp.storage import read

    chosen = get_backend(backend)
    own = by_name(activations)
    arrays, metadata = read(path)
    try:
        described = rebuild(metadata.get("architecture"), own)
        theta = _parameters(arrays.get("theta"), described)
        seeds = _seeds(metadata.get("seeds"), theta)
        columns = _columns(metadata.get("columns"), described)
    except CheckpointError as problem:
        raise CheckpointError(f"{os.fspath(path)} cannot be opened: {problem}") from None
    extra = metadata.get("extra")
    net = restore(Network, chosen, described, theta, seeds)
    net.columns = columns
    return net, extra if isinstance(extra, dict) else {}


def _parameters(theta: Any, described: Architecture) -> Any:
    """Return θ if it is one of this architecture."""
    if theta is None or str(theta.dtype) not in ("float32", "float64"):
        raise CheckpointError("it has no θ of float32 or float64")
    parameters = count(described.sizes)
    if theta.shape[-1:] != (parameters,):
        raise CheckpointError(
            f"its θ has the shape {theta.shape}, but a network of the sizes "
            f"{reprlib.repr(list(described.sizes))} has {parameters:,} parameters"
        )
    try:
        described.require_members(theta.shape[:-1])
    except ShapeError as problem:
        raise CheckpointError(str(problem)) from None
    return theta


def _columns(names: Any, described: Architecture) -> tuple[Any, ...] | None:
    """Return the names of X's columns, if there are any."""
    if names is None:
        return None
    known = isinstance(names, list) and all(type(name) in (str, int) for name in names)
    if not known or len(names) != described.sizes[0]:
        raise CheckpointError("it has not one name for each column of X")
    return tuple(names)


def _seeds(seeds: Any, theta: Any) -> tuple[int, ...] | None:
    """Return the seeds of a population, if there are any."""
    if seeds is None:
        return None
    if not isinstance(seeds, list) or theta.ndim != 2 or len(seeds) != len(theta):
        raise CheckpointError("it has not one seed for each member")
    if not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise CheckpointError("the seeds of its members are no integers ≥ 0")
    return tuple(seeds)
