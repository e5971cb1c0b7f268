"""Model: a network as an object: θ and its views, members, copies, description, files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from numbers import Integral
from os import PathLike
from types import MethodType
from typing import Any, Self, TypeVar

from backprop_xp.backends import get_backend
from backprop_xp.backends.base import Array, Backend
from backprop_xp.errors import ShapeError, shown
from backprop_xp.maths.activations import IDENTITY, SOFTMAX, Activation
from backprop_xp.maths.architecture import Architecture, architecture
from backprop_xp.maths.kernels import NetworkKernels
from backprop_xp.maths.layers import Layers, by_layer
from backprop_xp.maths.losses import Loss
from backprop_xp.maths.members import spread
from backprop_xp.maths.parameters import Parameters, dtype_name

M = TypeVar("M", bound="Model")


class Model:
    """The state of a network; `Network` adds how it starts, and the mathematics."""

    backend: Backend
    architecture: Architecture
    dtype: str
    #: Those that the members' weights were drawn from.
    seeds: tuple[int, ...] | None
    #: The names of X's columns, once it was trained on a frame: frames are then put in this order.
    columns: tuple[Any, ...] | None = None

    # -- how it is made ------------------------------------------------------------------------

    def _hold(self, theta: Array) -> None:
        """Take θ as the parameters, (P,) or (…, P) for a stack, and prepare all that depends on it.

        Networks are made in three ways: by `Network.__init__`, as twins and by `restore`.
        """
        self.architecture.require_members(tuple(theta.shape[:-1]))
        self.seeds = None
        self._describe(theta)
        self._parameters = Parameters(self.backend.xp, self.sizes, theta)
        self._W_T = by_layer(self.backend.xp.matrix_transpose(W) for W in self.W)
        self._layers = range(1, len(self.sizes))
        self._kernels = NetworkKernels(self.backend, self.architecture)
        self._penalties = self._penalty_arrays()
        self._classes = self._class_numbers()

    def _describe(self, theta: Array) -> None:
        """Note the dtype and the leading axes of θ: every array of this network has them."""
        self.dtype = "float64" if theta.dtype == self.backend.xp.float64 else "float32"
        self._dtype = theta.dtype
        self.stack = tuple(theta.shape[:-1])

    def _penalty_arrays(self) -> list[Array]:
        """l2 and l1 as arrays (…, 1, 1), where kernels read them."""
        penalties = self.architecture.l2, self.architecture.l1
        return [spread(self.backend, penalty, self.stack, self.dtype) for penalty in penalties]

    def _class_numbers(self) -> Array | None:
        """0 … n_L − 1 for softmax, whose targets may be labels."""
        if self.output != SOFTMAX:
            return None
        return self.backend.asarray(list(range(self.sizes[-1])))

    # -- parameters ----------------------------------------------------------------------------

    @property
    def theta(self) -> Array:
        """All parameters in one vector (P,); assigning to it writes into it."""
        return self._parameters.theta

    @theta.setter
    def theta(self, values: Any) -> None:
        self.backend.require_own(values, "theta")
        values = self.backend.asarray(values, self.dtype)
        if values.shape != self.theta.shape:
            raise ShapeError(
                f"theta has the shape {tuple(values.shape)}; expected {tuple(self.theta.shape)}"
            )
        self.theta[...] = values

    @property
    def W(self) -> Layers:
        """W[l], shape (n_l, n_{l−1}), l = 1 … L: views of θ."""
        return self._parameters.W

    @property
    def b(self) -> Layers:
        """b[l], shape (n_l,), l = 1 … L: views of θ."""
        return self._parameters.b

    def with_theta(self, theta: Array) -> Self:
        """Return the same network around another θ, which is not copied.

        The dtype of θ becomes the network's. With leading axes, θ (…, P) is a stack of networks:
        X (m, n_0) is then shared by all or (…, m, n_0), and results gain the leading axes.
        """
        self.backend.require_own(theta, "theta")
        theta = self.backend.asarray(theta)
        dtype_name(theta.dtype)
        if theta.shape[-1:] != self.theta.shape[-1:]:
            raise ShapeError(
                f"theta has the shape {tuple(theta.shape)}; expected (…, {self.theta.shape[-1]})"
            )
        return self._twin(theta, self.architecture)

    def _twin(self, theta: Array, described: Architecture) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        for name, method in self.__dict__.items():  # methods of this network are the twin's there
            if isinstance(method, MethodType) and method.__self__ is self:
                twin.__dict__[name] = MethodType(method.__func__, twin)
        twin.architecture = described
        twin._hold(theta)
        return twin

    # -- members of a population ---------------------------------------------------------------

    @property
    def members(self) -> int | None:
        """How many networks θ (members, P) holds; None for a single network."""
        return self.stack[0] if len(self.stack) == 1 else None

    def member(self, k: int) -> Self:
        """Return member k of a population as a network of its own, with its l2 and l1.

        Its θ is a view of the population's: what trains one changes the other.
        `copy.deepcopy(net.member(k))` has weights of its own.

        Raises
        ------
        IndexError
            There is no such member.
        ShapeError
            This is a single network.
        """
        if self.members is None:
            raise ShapeError("this network has no members: make it with members=, as in members=64")
        if not isinstance(k, Integral) or not 0 <= k < self.members:
            raise IndexError(f"member({shown(k)}): the members are 0 … {self.members - 1}")
        return self._twin(self.theta[int(k), ...], self.architecture.members(int(k)))

    def members_from(self, start: int, stop: int) -> Self:
        """Return the population of the members start … stop − 1, on a view of this θ."""
        part = slice(start, stop)
        return self._twin(self.theta[part, ...], self.architecture.members(part))

    # -- files ---------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a safetensors file, which `bp.load` opens on any backend.

        The file takes the place of an old one at once: at every moment, one of the two is there,
        complete. Of your own activations the names are saved; pass them to `bp.load`.

        Raises
        ------
        CheckpointError
            The file cannot be written; an old one is untouched.
        """
        from backprop_xp.maths.saved import save_network

        save_network(self, path)

    def to_onnx(self, path: str | PathLike[str]) -> None:
        """Write `predict` to an ONNX file: input "X" (rows, n_0), output "A" (rows, n_L).

        It needs `pip install "backprop-xp[onnx]"`. Rows may be any number; the dtype is the
        network's. In float64, gelu computes Φ in float32, since onnxruntime has no other.

        Raises
        ------
        ConfigurationError
            An activation is one of your own, this is a stack of networks, or onnx is missing.
        CheckpointError
            The file cannot be written; an old one is untouched.
        """
        from backprop_xp.maths.saved import export_network

        export_network(self, path)

    # -- description ---------------------------------------------------------------------------

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_0 … n_L."""
        return self.architecture.sizes

    @property
    def hidden(self) -> tuple[Activation, ...]:
        """g_1 … g_{L−1}."""
        return self.architecture.hidden

    @property
    def output(self) -> Activation:
        """g_L."""
        return self.architecture.output

    @property
    def loss(self) -> Loss:
        """j and its derivatives."""
        return self.architecture.loss

    def __repr__(self) -> str:
        return (
            f"Network({list(self.sizes)}, hidden={[g.name for g in self.hidden]}, "
            f"output={self.output.name!r}, loss={self.loss.name!r}, dtype={self.dtype!r}, "
            f"backend={self.backend.name!r}"
            f"{'' if self.members is None else f', members={self.members}'})"
        )

    def __reduce__(self) -> tuple[Callable[..., Model], tuple[Any, ...], dict[str, Any] | None]:
        """Copy and pickle θ once and lay the views anew: copied one by one they would part.

        What a subclass or a user has added goes along as it is.
        """
        theta = self.backend.to_numpy(self.theta).copy()
        added = {name: value for name, value in vars(self).items() if name not in _made()}
        made_of = type(self), self.backend, self.architecture, theta, self.seeds
        return restore, made_of, added or None


def restore(
    cls: type[M],
    backend: Backend,
    described: Architecture,
    theta: Any,
    seeds: tuple[int, ...] | None = None,
) -> M:
    """Make a network of its architecture and the host array θ, which it may keep."""
    net = object.__new__(cls)
    net.backend, net.architecture = backend, described
    net._hold(backend.asarray(theta))
    net.seeds = seeds
    return net


@cache
def _made() -> frozenset[str]:
    """The attributes that every network has, and that are made anew."""
    described = architecture([1, 1], (), IDENTITY, None, 0.0, 0.0)
    return frozenset(vars(restore(Model, get_backend("numpy"), described, [0.0, 0.0])))
