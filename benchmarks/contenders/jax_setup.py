"""What the JAX contenders share: loss, update and the step as a pure function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cells import BETA1, BETA2, EPS, Job
from benchmarks.contenders.base import Weights

# On a GPU, JAX would otherwise round the factors of float32 products to TensorFloat-32.
jax.config.update("jax_default_matmul_precision", "highest")


def device(job: Job) -> jax.Device:
    """Return the job's device; raise where JAX has none of its kind."""
    return jax.devices("gpu" if job.gpu else "cpu")[0]


def initial_state(job: Job) -> Any:
    """Return parameters and, for Adam, step count and moments, on the device."""
    parameters = [(np.copy(w), np.copy(b)) for w, b in zip(job.W, job.b, strict=True)]
    if job.optimizer == "sgd":
        return jax.device_put((parameters,), device(job))
    zeros = [jax.tree.map(np.zeros_like, parameters) for _ in range(2)]
    return jax.device_put((parameters, np.float32(0), *zeros), device(job))


def batch(job: Job) -> Any:
    """Return X and Y on the device."""
    return jax.device_put((job.X, job.Y), device(job))


def make_loss(binary: bool) -> Callable[..., Any]:
    """Return the mean cross-entropy as a function of parameters, X and Y."""

    def loss(parameters: Any, X: Any, Y: Any) -> Any:
        A = X
        for k, (w, b) in enumerate(parameters):
            A = (jax.nn.relu(A) if k else A) @ w.T + b
        if binary:
            entries = jnp.maximum(A, 0) - A * Y + jnp.log1p(jnp.exp(-jnp.abs(A)))
        else:
            entries = -Y * jax.nn.log_softmax(A)
        return entries.sum() / len(X)

    return loss


def make_step(job: Job) -> Callable[..., Any]:
    """Return the pure step (state, X, Y) → (state, J)."""
    value_and_grad = jax.value_and_grad(make_loss(job.cell.binary))
    rate = job.rate

    def sgd(state: Any, X: Any, Y: Any) -> Any:
        (parameters,) = state
        J, grads = value_and_grad(parameters, X, Y)
        return (jax.tree.map(lambda p, g: p - rate * g, parameters, grads),), J

    def adam(state: Any, X: Any, Y: Any) -> Any:
        parameters, t, m, v = state
        J, grads = value_and_grad(parameters, X, Y)
        t = t + 1
        # expm1 keeps the digits of 1 - β^t that float32 would lose for small t.
        correct1, correct2 = (-jnp.expm1(t * math.log(beta)) for beta in (BETA1, BETA2))
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, grads)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, grads)
        parameters = jax.tree.map(
            lambda p, m, v: p - rate * (m / correct1) / (jnp.sqrt(v / correct2) + EPS),
            *(parameters, m, v),
        )
        return (parameters, t, m, v), J

    return adam if job.optimizer == "adam" else sgd


def state_weights(state: Any) -> Weights:
    """Return the weights and biases in a state as host arrays."""
    parameters = state[0]
    return [np.array(w) for w, _ in parameters], [np.array(b) for _, b in parameters]
