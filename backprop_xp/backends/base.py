"""Backend: the few things that the mathematics may ask of a machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from backprop_xp.backends.host_data import host_array
from backprop_xp.errors import BackendError, ConfigurationError, DataError, shown

# Array-API objects share no base class and no complete protocol: these names are for readers.
Array: TypeAlias = Any
Namespace: TypeAlias = Any

# Kernels change their array arguments in place: kernel(xp, out, *others).
Kernel: TypeAlias = Callable[..., None]


class Backend(ABC):
    """An array library on a device, and the few primitives that run fast on it.

    Attributes
    ----------
    name : str
        What `get_backend` and BACKEND call it.
    xp : namespace
        The array-API namespace.
    library : str
        The top-level module of its arrays' type.
    array_type : type
        The type of its arrays.
    device : object
        Where its arrays are made, for the array API's `device=`.
    description : str
        Version and device, for people.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> backend = bp.get_backend("numpy")
    >>> a = backend.asarray([1, 2, 3], "float32")
    >>> backend.to_numpy(backend.xp.sum(a)).item()
    6.0
    """

    name: ClassVar[str]
    library: ClassVar[str]
    array_type: ClassVar[type]
    #: So many elements of a layer are made at once where nothing of it is kept.
    layer_elements: ClassVar[int] = 2**26
    xp: Namespace
    description: str
    device: Any

    def __repr__(self) -> str:
        return f"<backend {self.name}: {self.description}>"

    # -- moving data ---------------------------------------------------------------------------

    def asarray(self, x: Any, dtype: str | None = None) -> Array:
        """Return `x` as an array of this backend, moving it here if it is host data.

        Parameters
        ----------
        x : array_like
            Lists, NumPy arrays and what `numpy.asarray` takes, or an array of this backend (which
            is not copied). Arrays of another device library are refused.
        dtype : str, optional
            "float32", "float64" …; by default the dtype is kept.

        Raises
        ------
        BackendError
            `x` lives on another backend.
        ConfigurationError
            There is no such dtype.
        DataError
            `x` is text, ragged, masked or otherwise not numeric.
        """
        if dtype is not None and isinstance(getattr(self.xp, str(dtype), 0.0), float):
            raise ConfigurationError(f"dtype={shown(dtype)}: expected a name such as 'float32'")
        origin = self.origin(x)
        if origin in (None, "numpy"):
            return self._from_host(host_array(x, dtype))
        self.require_own(x, "the array")
        wanted = x.dtype if dtype is None else getattr(self.xp, dtype)
        if x.dtype == wanted:
            return x
        if self.xp.isdtype(x.dtype, "complex floating"):
            raise DataError(f"not real numbers but complex numbers (dtype {x.dtype})")
        with np.errstate(over="ignore"):  # as in host_array
            return self.xp.astype(x, wanted)

    def empty(self, shape: tuple[int, ...], dtype: str) -> Array:
        """Return an uninitialized array on this backend's device."""
        return self.xp.empty(shape, dtype=getattr(self.xp, dtype), device=self.device)

    def full(self, shape: tuple[int, ...], value: float, dtype: str) -> Array:
        """Return an array filled with `value` on this backend's device."""
        return self.xp.full(shape, value, dtype=getattr(self.xp, dtype), device=self.device)

    def rows_at_once(self, columns: int) -> int:
        """Return for how many rows a prediction runs at once, given the width of a layer."""
        return max(256, self.layer_elements // columns)

    def write_scalars(self, scalars: Array, values: Any) -> None:
        """Write a tuple of numbers into a vector, or a NumPy array into an array of its size.

        Kernels receive views of it, so that a compiled step sees the new values. Nobody waits
        for the device.
        """
        if isinstance(values, tuple):
            for i, value in enumerate(values):
                scalars[i] = value
            return
        host = self.asarray(values.reshape(scalars.shape))
        scalars[...] = self.xp.astype(host, scalars.dtype, copy=False)

    @abstractmethod
    def to_numpy(self, a: Array) -> np.ndarray:
        """Return a NumPy array with the values of `a` (this waits for the device)."""

    @abstractmethod
    def _from_host(self, host: np.ndarray) -> Array: ...

    def origin(self, x: Any) -> str | None:
        """Return the library whose array `x` is; None for plain host data (lists, frames …)."""
        if isinstance(x, np.ndarray):  # a subclass of somebody's, too
            return "numpy"
        is_array = hasattr(x, "__array_namespace__") or hasattr(x, "__cuda_array_interface__")
        return type(x).__module__.partition(".")[0] if is_array else None

    def owns(self, x: Any) -> bool:
        """Whether `x` is an array of this backend, on its device."""
        return type(x) is self.array_type

    def require_own(self, x: Any, name: str) -> None:
        """Raise BackendError if `x` is an array of another backend, saying how to convert it."""
        origin = self.origin(x)
        if origin in (None, self.library):
            return
        on_host = name if origin == "numpy" else f"<{name} as a NumPy array>"
        raise BackendError(
            f"{name} is an array of {origin}, but this backend is {self.name}. "
            f"Convert it on purpose: get_backend({self.name!r}).asarray({on_host})."
        )

    # -- the primitives ------------------------------------------------------------------------

    @abstractmethod
    def matmul(self, a: Array, b: Array, out: Array | None = None) -> Array:
        """Return the product over the last two axes, `a @ b`, written into `out` if given."""

    @abstractmethod
    def elementwise(self, kernel: Kernel) -> Callable[..., None]:
        """Return `run(out, *others)`, which applies `kernel(xp, out, *others)` in place.

        The kernel must be elementwise: any block of its arguments can be computed alone. `out` has
        the full shape; the others have the same rank and broadcast to it, or are 0-d arrays.
        """

    def general(self, kernel: Kernel) -> Callable[..., None]:
        """Return the same for a kernel that is not elementwise: softmax over rows, sums."""
        return partial(kernel, self.xp)

    @abstractmethod
    def compile(self, step: Callable[..., Array]) -> Callable[..., Array]:
        """Return a callable with the effect of `step`, as fast as the device can repeat it.

        `step` takes arrays and returns what `matmul` returned. All its work on arrays goes through
        the primitives, in the same way every time, on arrays that stay where they are; only its
        arguments change from call to call.
        """

    def loop(
        self,
        step: Callable[..., tuple[Array, ...]],
        numbers_of: Callable[..., Sequence[Numbers]],
        tables: tuple[Array, ...],
        size: int,
    ) -> Loop | None:
        """Return what runs `step` on batch after batch of rows that it gathers by itself.

        None where a compiled step, called batch by batch, is as fast: whoever asks does that.

        Parameters
        ----------
        step : callable
            As for `compile`, but it returns several arrays, of which the loop keeps the values.
        numbers_of : callable
            From the arrays of a batch to what the host writes before each step on such a batch.
        tables : tuple of array, shape (m, n)
            Rows of the batches, on this backend.
        size : int
            Rows of a batch.
        """
        return None

    def mover(self) -> Mover:
        """Return what moves batches to the device while it works on those before."""
        return Mover(self)

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the device has done all that was asked of it."""


class Numbers(Protocol):
    """Where the host writes before every step; see `maths.step_numbers`."""

    array: Array

    def were_written(self, values: Any) -> None:
        """Take note that the device has these values now."""


class Loop(Protocol):
    """Steps on many batches in a row; see `Backend.loop`."""

    def begin(self, order: np.ndarray | None) -> None:
        """Take the order of the rows in an epoch; None leaves them as they are."""

    def take(
        self, first: int, rows: int, steps: int, values: Sequence[Sequence[Any]]
    ) -> list[Array]:
        """Take a step on each of the batches number `first`, `first` + 1 …, of so many rows.

        `values` are, for each of the numbers, what the host writes before every step. Returns for
        every array that a step returns an array (steps, its size), or only for the first, which the
        primitives have made; the next call writes over it.
        """


class Mover:
    """Moves the X, or the Y, of batches to the device, in the order in which they are trained on.

    Where the device has memory of its own, the arrays that `move` returns are used again: whoever
    asks for the next one of its shape and dtype has given the device all its work on the last.
    Where it has not, they are the host's arrays.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def move(self, host: np.ndarray) -> Array:
        """Return an array on the device with these values, without waiting for it."""
        return self._backend.asarray(host)
