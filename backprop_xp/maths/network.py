"""Network: forward (F1–F4), cost (J) and backward (B1–B8), for any depth and any stack.

Shapes: X is (m, n_0), W[l] is (n_l, n_{l−1}), b[l] is (n_l,), examples are rows. Every line works
on the last two axes, so θ of shape (…, P) is a stack of networks that run in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop_xp.backends import get_backend
from backprop_xp.backends.base import Array, Backend
from backprop_xp.maths.activations import Activation
from backprop_xp.maths.architecture import architecture
from backprop_xp.maths.batch_model import BatchModel
from backprop_xp.maths.dropout import checked_pattern
from backprop_xp.maths.initializers import initialize
from backprop_xp.maths.members import checked_members, member_seeds
from backprop_xp.maths.parameters import Parameters, empty_theta
from backprop_xp.maths.prediction import predicted
from backprop_xp.maths.trace import Trace, require_trace


class Network(BatchModel):
    """A fully connected network.

    Parameters
    ----------
    sizes : sequence of int
        n_0 … n_L: the number of features, the width of each hidden layer, the number of outputs.
    hidden : str, Activation or list of them
        g of the hidden layers; a list names one per hidden layer. Names: identity, sigmoid, tanh,
        relu, leaky_relu, elu, gelu, silu, softplus.
    output : str or Activation
        g of the output layer; also softmax.
    loss : str, optional
        binary_cross_entropy, cross_entropy, squared_error, absolute_error, huber or poisson. By
        default the match of the output: sigmoid → binary_cross_entropy, softmax → cross_entropy,
        all others → squared_error. The short names bce, ce, mse and mae are understood, too.
    seed : int, numpy.random.Generator or sequence of int
        W is drawn from it on the host (I0): the same seed gives the same W on every backend. In a
        population member k has the seed `seed` + k, or the k-th of a sequence; a generator draws
        them.
    dtype : str
        "float32" or "float64". Integers and other floats in X and Y are converted to it.
    backend : str or Backend, optional
        See `get_backend`.
    l2, l1 : float or sequence of float
        Add (l2/2) Σ W² + l1 Σ |W| to J, whatever the batch size; b is not penalized. A sequence
        names one for each member.
    dropout : float or list of float
        The rate p in [0, 1) at which units of the hidden layers are dropped in training; a list
        names one per hidden layer. What is kept is divided by 1−p (Srivastava et al., 2014).
    initializer : str, optional
        glorot_uniform, glorot_normal, he_uniform, he_normal or lecun_normal for every layer. By
        default he_normal for relu and its kin, glorot_uniform for the rest. b starts at 0.
    members : int, optional
        Make a population: so many networks that train in one pass, independent of each other. θ is
        (members, P), W[l] is (members, n_l, n_{l−1}), results gain the axis of the members, and
        X and Y are shared by all or (members, m, n). `net.seeds` are their seeds, `net.member(k)`
        is one of them as a network of its own.

    Raises
    ------
    ShapeError, ConfigurationError, BackendError
        An argument makes no sense; the message says which and what would.

    Examples
    --------
    >>> import backprop_xp as bp
    >>> net = bp.Network([2, 3, 1], hidden="tanh", output="sigmoid", seed=0, backend="numpy")
    >>> trace = net.forward([[0.0, 1.0], [1.0, 1.0]])
    >>> trace.A[2].shape, net.W[1].shape, net.theta.shape
    ((2, 1), (3, 2), (13,))
    >>> grads = net.backward(trace, [0, 1])
    >>> bp.SGD(0.1).update(net, grads)

    A population of three:

    >>> nets = bp.Network([2, 3, 1], seed=0, members=3, l2=[0.0, 0.1, 0.2], backend="numpy")
    >>> nets.theta.shape, nets.seeds, nets.predict([[0.0, 1.0]]).shape
    ((3, 13), (0, 1, 2), (3, 1, 1))
    >>> bool((nets.member(0).theta == bp.Network([2, 3, 1], seed=0, backend="numpy").theta).all())
    True
    """

    def __init__(
        self,
        sizes: Sequence[int],
        hidden: str | Activation | Sequence[str | Activation] = "tanh",
        output: str | Activation = "sigmoid",
        loss: str | None = None,
        seed: Any = 0,
        dtype: Any = "float32",
        backend: str | Backend | None = None,
        *,
        l2: float | Sequence[float] = 0.0,
        l1: float | Sequence[float] = 0.0,
        dropout: float | Sequence[float] = 0.0,
        initializer: str | None = None,
        members: int | None = None,
    ) -> None:
        self.backend = get_backend(backend)
        # n_0 … n_L, g_1 … g_L, the loss j, the penalties, the rates of dropout
        self.architecture = architecture(sizes, hidden, output, loss, l2, l1, dropout)
        # θ: W[l] and b[l], l = 1 … L; in a population those of every member
        seeds = None if members is None else member_seeds(seed, checked_members(members))
        self._hold(empty_theta(self.backend, self.sizes, dtype, members))
        self.seeds = seeds
        # I0: every W starts random, b at 0
        activations, each = self.architecture.activations, [seed] if seeds is None else seeds
        initialize(self.backend, self.sizes, self.theta, activations, each, initializer)

    # -- forward: F1–F4 ------------------------------------------------------------------------

    def forward(self, X: Any, *, dropout: int | Sequence[int] | None = None) -> Trace:
        """Run the network on X and keep every Z[l] and A[l] (F1–F4).

        Parameters
        ----------
        X : array_like, shape (m, n_0)
            Examples as rows. A list, or an array of this network's backend; other dtypes are
            converted to the network's.
        dropout : int or sequence of int, optional
            The number of the pattern of dropped units: the same number drops the same units, on
            every backend; a sequence has one for each member of a population. By default nothing
            is dropped, as in `predict`.

        Returns
        -------
        Trace
            `trace.A[0]` is X; `trace.Z[l]` and `trace.A[l]`, l = 1 … L, are (m, n_l).

        Raises
        ------
        ShapeError, DataError, BackendError
            X does not fit.
        ConfigurationError
            `dropout` is not an integer ≥ 0, or not one for each member.
        """
        pattern = checked_pattern(dropout, self.members)
        own_patterns = isinstance(pattern, list)
        X = self.as_inputs(X)
        trace = self.trace(X.shape[-2], dropout=dropout is not None, own_patterns=own_patterns)
        trace.read(X)
        if pattern is not None:
            trace.choose_dropout(pattern)
        self.propagate(trace)
        return trace

    def propagate(self, trace: Trace) -> None:
        """The lines of `forward`, into the arrays of a given trace."""
        matmul, plus_b_then_g = self.backend.matmul, self._kernels.plus_b_then_g
        W_T, b, Z, A = self._W_T, self._parameters.b_row, trace.Z, trace.A
        A_kept = trace.H  # A itself; with dropout A_kept[l] is A[l] ∗ D[l], see maths/dropout.py
        if A_kept is not A:
            plus_b_then_g = self._kernels.plus_b_then_g_with_dropout(trace.drops)
        for l in self._layers:
            matmul(A_kept[l - 1], W_T[l], Z[l])  # F1, F3: Z[l] = A[l−1] W[l]ᵀ …
            plus_b_then_g[l](Z[l], b[l], A[l])  # … + b[l], and F2, F4: A[l] = g_l(Z[l])

    # -- cost: J -------------------------------------------------------------------------------

    def cost(self, trace: Trace, Y: Any, sample_weight: Any = None) -> Array:
        """J: the loss, summed over outputs and averaged over examples, and the penalties.

        Parameters
        ----------
        trace : Trace
            What `forward` returned.
        Y : array_like, shape (m,), (m, 1) or (m, n_L)
            Targets; for softmax also integer labels, shape (m,).
        sample_weight : array_like, shape (m,), optional
            J averages with the weights wᵢ/Σw; equal ones of any size give the plain mean. Penalties
            stay whole.

        Returns
        -------
        array, 0-d
            On the device: reading it with float() waits for the device.

        Raises
        ------
        ShapeError, DataError, BackendError
            Y does not fit.
        ConfigurationError
            `trace` is no trace.
        """
        require_trace(trace, "cost")
        Y = self.as_targets(Y, trace.rows)
        trace.weigh(self.as_weights(sample_weight, trace.rows))
        return self.mean_loss(trace, Y)[..., 0, 0]

    def mean_loss(self, trace: Trace, Y: Array) -> Array:
        """The lines of `cost`, for a Y (m, n_L) of the backend; J as a matrix (1, 1)."""
        matmul, kernels = self.backend.matmul, self._kernels
        kernels.loss_values(trace.j, trace.Z[-1], trace.A[-1], Y)  # j for every output
        J = matmul(trace.mean, trace.j)  # mean over examples …
        if self.sizes[-1] > 1:
            J = matmul(J, trace.sum_outputs)  # … and sum over outputs
        if self.architecture.l2:
            for row, column in self._parameters.W_flat:
                kernels.add_l2(J, matmul(row, column), trace.l2)
        if self.architecture.l1:
            kernels.add_l1(J, trace.l1, *self.W)
        return J

    # -- backward: B1–B8 -----------------------------------------------------------------------

    def backward(self, trace: Trace, Y: Any, sample_weight: Any = None) -> Parameters:
        """The gradient of J by the chain rule (B1–B8).

        Parameters
        ----------
        trace : Trace
            What `forward` returned; its `dZ` is filled in.
        Y : array_like, shape (m,), (m, 1) or (m, n_L)
            As for `cost`.
        sample_weight : array_like, shape (m,), optional
            As for `cost`.

        Returns
        -------
        grads : Parameters
            `W[l]` is ∂J/∂W[l], `b[l]` is ∂J/∂b[l], `theta` holds all of them.

        Raises
        ------
        ShapeError, DataError, BackendError
            Y does not fit.
        ConfigurationError
            `trace` is no trace.
        """
        require_trace(trace, "backward")
        grads = self.gradient()
        Y = self.as_targets(Y, trace.rows)
        trace.weigh(self.as_weights(sample_weight, trace.rows))
        self.backpropagate(trace, Y, grads)
        return grads

    def backpropagate(self, trace: Trace, Y: Array, grads: Parameters) -> None:
        """The lines of `backward`, into a given gradient: dθ stands for ∂J/∂θ.

        They are the chain rule of B1 and B7, from its first factor to its last: what a layer passes
        on to the one before is computed once.
        """
        trace.make_gradients()
        matmul, kernels = self.backend.matmul, self._kernels
        W, dW, db, ones = self._parameters.W_at, grads.W_at, grads.b_row, trace.ones
        Z, A, dZ, dZ_T = trace.Z, trace.A, trace.dZ, trace.dZ_T
        A_kept, times_slope = trace.H, kernels.times_slope
        if A_kept is not A:  # with dropout g' takes the factor D[l]
            times_slope = kernels.times_slope_with_dropout(trace.D)
        # B2·B3: dZ[L] = (1/m) ∂j/∂Z[L], which is (1/m)(A[L] − Y) for a matched pair
        kernels.output_gradient(dZ[-1], Z[-1], A[-1], Y, trace.scale)
        for l in reversed(self._layers):
            # B1: ∂J/∂W[l] = ∂J/∂Z[l] · ∂Z[l]/∂W[l], where by B4 ∂Z[l]/∂W[l] = A[l−1]
            matmul(dZ_T[l], A_kept[l - 1], dW[l])  # B5, B7: dW[l] = dZ[l]ᵀ A[l−1]
            matmul(ones, dZ[l], db[l])  # B6, B8: db[l] = Σ_i dZ[l]_i, since ∂Z[l]/∂b[l] = 1
            if l > 1:
                matmul(dZ[l], W[l], dZ[l - 1])  # ∂Z/∂A: dA[l−1] = dZ[l] W[l] …
                times_slope[l - 1](dZ[l - 1], Z[l - 1], A[l - 1])  # … ∗ g'(Z[l−1]): dZ[l−1]
            if self.architecture.l2:
                kernels.l2_gradient(dW[l], W[l], trace.l2)
            if self.architecture.l1:
                kernels.l1_gradient(dW[l], W[l], trace.l1)

    # -- A[L] alone ----------------------------------------------------------------------------

    def predict(self, X: Any, *, reduce: str | None = None) -> Any:
        """Return A[L], shape (m, n_L): probabilities for sigmoid and softmax outputs.

        Parameters
        ----------
        X : array_like, shape (m, n_0)
        reduce : "mean", optional
            Take a population as an ensemble.

        Returns
        -------
        array, shape (m, n_L), or (members, m, n_L) for a population
            With `reduce="mean"` a pair of arrays (m, n_L): the mean over the members, and their
            spread, the standard deviation (Σ_k (a_k − mean)² / members)^½.

        Raises
        ------
        ShapeError, DataError, BackendError
            X does not fit.
        ConfigurationError
            `reduce` is something else, or this is a single network.
        """
        return predicted(self, X, reduce)
