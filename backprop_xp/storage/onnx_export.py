"""ONNX: a network written as a graph of standard operators, for other runtimes."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from backprop_xp.errors import CheckpointError, ConfigurationError
from backprop_xp.storage.problems import file_name
from backprop_xp.storage.whole_files import write_whole

# Old enough for most runtimes in use, new enough for every operator below.
_OPSET, _IR_VERSION = 17, 8
_LARGEST = 2**31 - 2**20  # bytes of a protobuf message, less some space for the graph itself


class Layer(NamedTuple):
    """W (n_l, n_{l−1}) and b (n_l,) of a layer, and the name of its activation."""

    W: np.ndarray
    b: np.ndarray
    activation: str


class _Graph:
    """An ONNX graph that grows node by node; its values are known by their names."""

    def __init__(self, onnx: Any, dtype: np.dtype[Any]) -> None:
        self.onnx = onnx
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        out = out or f"{operator}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [out], out, **attributes))
        return out

    def constant(self, value: Any, name: str = "") -> str:
        """Add an array of the graph's dtype and return its name."""
        name = name or f"constant_{len(self.constants)}"
        array = np.array(value, self.dtype, order="C")
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """Convert a value to another dtype."""
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", value, to=kind)


def export(path: str | os.PathLike[str], layers: Iterable[Layer]) -> None:
    """Write the network of these layers to an ONNX file: input "X", output "A", any rows.

    Raises
    ------
    ConfigurationError
        The onnx package is missing.
    CheckpointError
        The network is too large for the format, or the file cannot be written.
    """
    name = file_name(path)
    layers = list(layers)
    size = sum(layer.W.nbytes + layer.b.nbytes for layer in layers)
    if size > _LARGEST:
        raise CheckpointError(f"{name} cannot be written: {size:,} bytes are too many for ONNX")
    model = _model(_import_onnx(), layers).SerializeToString()
    write_whole(name, model, CheckpointError)


def _model(onnx: Any, layers: list[Layer]) -> Any:
    """Return the checked ONNX model."""
    graph = _Graph(onnx, layers[0].W.dtype)
    value = "X"
    for l, (W, b, activation) in enumerate(layers, start=1):
        # F1, F3: Z[l] = A[l−1] W[l]ᵀ + b[l]
        W_l, b_l = graph.constant(W, f"W[{l}]"), graph.constant(b, f"b[{l}]")
        z = graph.add("Gemm", value, W_l, b_l, out=f"Z[{l}]", transB=1)
        # F2, F4: A[l] = g_l(Z[l])
        value = _ACTIVATIONS[activation](graph, z)
    graph.add("Identity", value, out="A")
    kind = onnx.helper.np_dtype_to_tensor_dtype(graph.dtype)
    X, A = (
        onnx.helper.make_tensor_value_info(name, kind, ["rows", width])
        for name, width in (("X", layers[0].W.shape[1]), ("A", layers[-1].W.shape[0]))
    )
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "network", [X], [A], graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="backprop_xp",
        producer_version=importlib.import_module("backprop_xp").__version__,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _import_onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as problem:
        raise ConfigurationError(
            f'to_onnx needs the onnx package: pip install "backprop-xp[onnx]" ({problem})'
        ) from problem
    return onnx


# -- activations ---------------------------------------------------------------------------------
# Of operators that onnxruntime has for both dtypes, in the order that does not overflow.


def _operator(name: str, **attributes: Any) -> Callable[[_Graph, str], str]:
    return lambda graph, z: graph.add(name, z, **attributes)


def _leaky_relu(graph: _Graph, z: str) -> str:
    """max(z, z/100)."""
    return graph.add("Max", z, graph.add("Mul", z, graph.constant(0.01)))


def _elu(graph: _Graph, z: str) -> str:
    """max(z, 0) + e^min(z, 0) − 1."""
    zero = graph.constant(0.0)
    below = graph.add("Exp", graph.add("Min", z, zero))
    return graph.add("Add", graph.add("Max", z, zero), graph.add("Sub", below, graph.constant(1.0)))


def _gelu(graph: _Graph, z: str) -> str:
    """z Φ(z) = z (1 + erf(z/√2))/2; onnxruntime has erf for float32 alone."""
    scaled = graph.add("Mul", z, graph.constant(math.sqrt(0.5)))
    erf = graph.cast(graph.add("Erf", graph.cast(scaled, np.float32)), graph.dtype)
    twice = graph.add("Add", erf, graph.constant(1.0))
    return graph.add("Mul", z, graph.add("Mul", twice, graph.constant(0.5)))


def _silu(graph: _Graph, z: str) -> str:
    """z / (1 + e^(−z)); of z σ(z) onnxruntime 1.30 makes what it has for float32 alone."""
    one_more = graph.add("Add", graph.add("Exp", graph.add("Neg", z)), graph.constant(1.0))
    return graph.add("Div", z, one_more)


def _softplus(graph: _Graph, z: str) -> str:
    """max(z, 0) + log(1 + e^(−|z|))."""
    small = graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))
    log = graph.add("Log", graph.add("Add", small, graph.constant(1.0)))
    return graph.add("Add", graph.add("Max", z, graph.constant(0.0)), log)


_ACTIVATIONS: dict[str, Callable[[_Graph, str], str]] = {
    "identity": _operator("Identity"),
    "sigmoid": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "relu": _operator("Relu"),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": _softplus,
    "exp": _operator("Exp"),
    "softmax": _operator("Softmax", axis=-1),
}
