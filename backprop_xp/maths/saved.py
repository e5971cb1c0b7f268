"""Networks saved to files: the architecture as a document, θ as an array."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from backprop_xp.errors import CheckpointError, ConfigurationError, listed, shown
from backprop_xp.maths.activations import ACTIVATIONS, EXP, Activation
from backprop_xp.maths.architecture import Architecture, architecture
from backprop_xp.maths.losses import Loss
from backprop_xp.maths.overriding import overridden

if TYPE_CHECKING:
    from backprop_xp.maths.model import Model

# What is made of every layer outweighs its bytes in a file by far: a small file could fill the
# memory with layers that no network has.
_MOST_LAYERS = 10_000
_WIDEST = 2**40
# What an estimator's network may have, too, though its users do not name it.
_BUILT_IN = {**ACTIVATIONS, EXP.name: EXP}
_OWN = "own"  # {"own": name}: an activation of the user's, whatever its name


def save_network(
    net: Model, path: str | os.PathLike[str], extra: dict[str, Any] | None = None
) -> None:
    """Write a network, and whatever else shall travel with it, into a file.

    Parameters
    ----------
    net : Network
        Or a stack of them.
    path : str or path-like
    extra : dict, optional
        Text, numbers, None, and lists and dicts of them.

    Raises
    ------
    CheckpointError
        The file cannot be written, or `extra` holds something else.
    """
    from backprop_xp.storage import write

    metadata: dict[str, Any] = {
        "architecture": describe(net.architecture),
        "extra": extra or {},
        **column_document(net.columns),
    }
    if net.seeds is not None:
        metadata["seeds"] = list(net.seeds)
    write(path, {"theta": net.backend.to_numpy(net.theta)}, metadata)


def export_network(net: Model, path: str | os.PathLike[str]) -> None:
    """Write a network for ONNX; see `Network.to_onnx`."""
    from backprop_xp.storage.onnx_export import Layer, export

    if net.stack:
        raise ConfigurationError(
            f"this is a stack of networks of the shape {net.stack}, but an ONNX file holds one: "
            "net.member(0).to_onnx(path)"
        )
    own = [g.name for g in net.architecture.activations if not is_built_in(g)]
    if own:
        raise ConfigurationError(
            f"ONNX has no activation of your own, {own[0]!r}: only networks of built-in ones "
            "can be exported"
        )
    if overridden(net, "forward", "propagate"):
        raise ConfigurationError(
            f"ONNX would hold the library's forward, but {type(net).__name__} has another"
        )
    to_numpy = net.backend.to_numpy
    layers = [
        Layer(to_numpy(W), to_numpy(b), g.name)
        for W, b, g in zip(net.W, net.b, net.architecture.activations, strict=True)
    ]
    export(path, layers)


def describe(described: Architecture) -> dict[str, Any]:
    """Return an architecture as a document: what `rebuild` takes, and JSON can hold.

    Raises
    ------
    CheckpointError
        It has more layers than a file may have.
    """
    _require_sensible(described.sizes)
    values = [(field, getattr(described, field.name)) for field in fields(described)]
    # What is at its default is left out, so that older versions can open what they understand.
    return {field.name: _plain(value) for field, value in values if value != field.default}


def rebuild(document: Any, own: dict[str, Activation]) -> Architecture:
    """Return the architecture that `describe` described.

    Parameters
    ----------
    document : dict
        Or anything: it comes from a file.
    own : dict of str to Activation
        The user's own activations by name.

    Raises
    ------
    CheckpointError
        It describes no architecture, or one with an activation that is not there.
    """
    known = {field.name for field in fields(Architecture)}
    if not isinstance(document, dict) or not isinstance(document.get("sizes"), list):
        raise CheckpointError("it does not say what network it holds")
    if set(document) - known:
        raise CheckpointError(
            f"its network has {reprlib.repr(sorted(set(document) - known))}, which this version "
            "does not know: pip install --upgrade backprop-xp"
        )
    _require_sensible(document["sizes"])
    options = {name: _with_own(value, own) for name, value in document.items()}
    if options.get("output") == EXP.name:
        options["output"] = EXP
    try:
        return architecture(**options)
    except (ArithmeticError, LookupError, TypeError, ValueError) as problem:
        raise CheckpointError(f"it describes no network ({problem!s:.300})") from None


def by_name(activations: Iterable[Activation]) -> dict[str, Activation]:
    """Return the user's own activations by name.

    Raises
    ------
    ConfigurationError
        They are no activations, or two of them have the same name.
    """
    given = listed(activations, Activation)
    own: dict[str, Activation] = {}
    for g in given:
        if not isinstance(g, Activation) or own.setdefault(g.name, g) != g:
            raise ConfigurationError(
                f"activations={shown(activations)}: expected a list of your own Activation "
                "objects, each with a name of its own"
            )
    return own


def is_built_in(g: Activation) -> bool:
    """Whether this is the library's own activation of its name, not one of the user's."""
    return _BUILT_IN.get(g.name) == g


def _plain(value: Any) -> Any:
    """Return a part of an architecture as JSON can hold it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Loss):
        return value.name
    if isinstance(value, Activation):
        return value.name if is_built_in(value) else {_OWN: value.name}
    return value


def _with_own(value: Any, own: dict[str, Activation]) -> Any:
    """Put the user's own activations where the document has their names."""
    if isinstance(value, list):
        return [_with_own(item, own) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get(_OWN)
    if not isinstance(name, str) or len(value) != 1:
        raise CheckpointError("it describes no network (an activation has no name)")
    if name not in own:
        raise CheckpointError(
            f"it uses your own activation {reprlib.repr(name)}, and functions are not saved: pass "
            f"it, as in bp.load(path, activations=[{name:.40}])"
        )
    return own[name]


def _require_sensible(sizes: Iterable[Any]) -> None:
    sizes = list(sizes)
    if len(sizes) > _MOST_LAYERS or not all(type(n) is int and 0 < n < _WIDEST for n in sizes):
        raise CheckpointError(
            f"a network in a file has at most {_MOST_LAYERS:,} layers of 1 … {_WIDEST:,} units"
        )


def column_document(columns: tuple[Any, ...] | None) -> dict[str, Any]:
    """Return the names of X's columns as a file can hold them; nothing if it cannot."""
    named = columns is not None and all(type(name) in (str, int) for name in columns)
    return {"columns": list(columns)} if named and columns else {}
