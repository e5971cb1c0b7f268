"""Model: all of a network that is no formula: θ and its views, members, copies, checks, files."""

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
from backprop_xp.maths.arguments import as_inputs, as_targets, as_weights
from backprop_xp.maths.kernels import NetworkKernels
from backprop_xp.maths.layers import Layers, by_layer
from backprop_xp.maths.losses import Loss
from backprop_xp.maths.members import spread
from backprop_xp.maths.parameters import Parameters, dtype_name
from backprop_xp.maths.trace import Trace

M = TypeVar("M", bound="Model")


class Model:
    """What `Network` stands on: it adds how a network starts, and the mathematics."""

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

    # -- what one pass needs -------------------------------------------------------------------

    def trace(
        self,
        rows: int,
        in_place: bool = False,
        dropout: bool = False,
        penalty_per_row: bool = False,
        own_patterns: bool = False,
    ) -> Trace:
        """An empty trace for so many examples, with or without dropout.

        With `in_place`, A[l] is written over Z[l] if it can. With `penalty_per_row`, J holds the
        penalties divided by the number of rows (or by Σw). With `own_patterns`, each member has a
        pattern of dropped units of its own.
        """
        over = [in_place and g.slope_from_a for g in self.hidden]
        rates = self.architecture.dropout if dropout else ()
        dtype, stack = self.dtype, self.stack
        trace = Trace(self.backend, self.sizes, rows, dtype, stack, over, rates, own_patterns)
        trace.l2, trace.l1 = self._penalties
        if penalty_per_row:
            self.share_penalties(trace)
        return trace

    def share_penalties(self, trace: Trace) -> None:
        """Let the rows of a trace share the penalties: they are divided by m or Σw."""
        trace.share_penalties(self._penalties, (self.architecture.l2, self.architecture.l1))

    def gradient(self) -> Parameters:
        """Uninitialized parameters of the shape of these."""
        xp = self.backend.xp
        return Parameters(xp, self.sizes, xp.empty_like(self.theta))

    def as_inputs(self, X: Any, name: str = "X", move: bool = False) -> Array:
        """Return X as this network takes it; see `arguments.as_inputs`."""
        n_0, dtype, stack = self.sizes[0], self.dtype, self.stack
        if self.is_plain(X) and X.shape[1] == n_0 and X.shape[0] > 0:
            return X
        return as_inputs(self.backend, X, n_0, dtype, stack, name, move, self.columns)

    def as_targets(self, Y: Any, rows: int, name: str = "Y", move: bool = False) -> Array:
        """Return Y as this network takes it; see `arguments.as_targets`."""
        n_L, dtype, stack, classes = self.sizes[-1], self.dtype, self.stack, self._classes
        if self.is_plain(Y) and Y.shape == (rows, n_L):
            return self.backend.xp.reshape(Y, (*(1 for _ in stack), rows, n_L)) if stack else Y
        return as_targets(self.backend, Y, rows, n_L, dtype, stack, classes, name, move)

    def as_weights(self, weights: Any, rows: int, move: bool = False) -> Array:
        """Return weights of examples as this network takes them; see `arguments.as_weights`."""
        if weights is None:
            return None
        xp, shapes = self.backend.xp, ((rows,), (rows, 1))
        if not self.stack and self.backend.owns(weights) and weights.shape in shapes:
            if weights.dtype == xp.float32:
                weights = xp.astype(weights, xp.float64)
            if weights.dtype == xp.float64:  # which needs no conversion
                return xp.reshape(weights, (1, rows))
        return as_weights(self.backend, weights, rows, self.stack, move=move)

    def is_plain(self, array: Any) -> bool:
        """Whether this is a matrix that needs no conversion: which most are."""
        return self.backend.owns(array) and array.ndim == 2 and bool(array.dtype == self._dtype)

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
