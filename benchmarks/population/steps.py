"""Training many small networks at once: what each contender does in one step of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import cells, reference, timing

CELL, MEMBERS, CHECKED_STEPS = "2-4-1", 64, 20

Stack = tuple[list[np.ndarray], list[np.ndarray]]
"""W[l] (members, n_out, n_in) and b[l] (members, n_out), the first layer at index 0."""


@dataclass(frozen=True)
class Contender:
    """`run(n)` takes n steps, `weights()` returns what became of them."""

    networks: int
    run: Callable[[int], None]
    weights: Callable[[], Stack]


def jobs(members: int = MEMBERS) -> list[cells.Job]:
    """Return a job for each member: the same data, weights of its own."""
    shared = cells.make_job(cells.parse(CELL), "sgd")
    drawn = [cells.draw_weights(shared.cell, seed=1 + k) for k in range(members)]
    # With b = 0, a member all of whose units are off for a row has the logit 0 there, where JAX's
    # derivative of |z| and max(z, 0) is another than that of their sum.
    for k, (_, b) in enumerate(drawn):
        for layer in b:
            layer += 0.1 * np.random.default_rng(k).standard_normal(layer.shape, dtype=np.float32)
    return [cells.Job(**{**vars(shared), "W": W, "b": b}) for W, b in drawn]


def stacked(given: list[cells.Job]) -> Stack:
    """Return the members' initial weights, layer by layer."""
    W = [np.stack(layer) for layer in zip(*(job.W for job in given), strict=True)]
    return W, [np.stack(layer) for layer in zip(*(job.b for job in given), strict=True)]


def ours() -> Contender:
    """One compiled step of a population."""
    import backprop_xp as bp

    given = jobs()
    job, (W, b) = given[0], stacked(given)
    net = bp.Network(job.cell.sizes, "relu", job.cell.output, members=MEMBERS, backend="numpy")
    for layer, (w, c) in enumerate(zip(W, b, strict=True), start=1):
        net.W[layer], net.b[layer] = w, c
    step = bp.train_step(net, bp.SGD(job.rate))

    def run(n: int) -> None:
        for _ in range(n):
            step(job.X, job.Y)

    return Contender(MEMBERS, run, lambda: (list(net.W), list(net.b)))


def ours_by_numba() -> Contender:
    """The same as machine code, in one call for all steps."""
    import backprop_xp as bp

    given, at_once = jobs(), 4096
    job, (W, b) = given[0], stacked(given)
    net = bp.Network(job.cell.sizes, "relu", job.cell.output, members=MEMBERS, backend="numba")
    for layer, (w, c) in enumerate(zip(W, b, strict=True), start=1):
        net.W[layer], net.b[layer] = w, c
    step, rows = bp.train_step(net, bp.SGD(job.rate)), len(job.X)
    loop = net.backend.loop(step.on_rows, step.numbers, (job.X, job.Y), rows)
    loop.begin(np.tile(np.arange(rows), at_once))

    def run(n: int) -> None:
        for start in range(0, n, at_once):
            some = min(at_once, n - start)
            loop.take(0, rows, some, step.next_numbers(rows, False, some))

    return Contender(MEMBERS, run, lambda: (list(net.W), list(net.b)))


def handwritten() -> Contender:
    """The same formulas spelled out in NumPy for two layers, with leading axes."""
    given = jobs()
    X, Y, rate = given[0].X, given[0].Y, given[0].rate
    (W1, W2), (b1, b2) = stacked(given)

    def run(n: int) -> None:
        for _ in range(n):
            A1 = np.maximum(X @ W1.swapaxes(1, 2) + b1[:, None], 0)
            Z2 = A1 @ W2.swapaxes(1, 2) + b2[:, None]
            small = np.exp(-np.abs(Z2))
            np.mean(np.maximum(Z2, 0) - Z2 * Y + np.log1p(small), axis=(1, 2))
            dZ2 = (np.where(Z2 >= 0, 1, small) / (1 + small) - Y) / len(X)
            dZ1 = (dZ2 @ W2) * (A1 > 0)
            W2[...] -= rate * (dZ2.swapaxes(1, 2) @ A1)
            b2[...] -= rate * dZ2.sum(axis=1)
            W1[...] -= rate * (dZ1.swapaxes(1, 2) @ X)
            b1[...] -= rate * dZ1.sum(axis=1)

    return Contender(MEMBERS, run, lambda: ([W1, W2], [b1, b2]))


def jax_scan() -> Contender:
    """One network, its whole loop compiled."""
    from benchmarks.contenders.jax_scan import JaxScan

    one = JaxScan(jobs(1)[0], "")

    def weights() -> Stack:
        W, b = one.weights()
        return [w[None] for w in W], [c[None] for c in b]

    return Contender(1, one.run, weights)


def jax_vmap() -> Contender:
    """All networks by vmap over one, the whole loop compiled."""
    from functools import partial

    import jax

    from benchmarks.contenders import jax_setup as setup

    given = jobs()
    job, (W, b) = given[0], stacked(given)
    X, Y = setup.batch(job)
    step = jax.vmap(setup.make_step(job), in_axes=(0, None, None))
    state = jax.device_put(([*zip(W, b, strict=True)],), setup.device(job))

    @partial(jax.jit, static_argnums=3, donate_argnums=0)
    def loop(state: Any, X: Any, Y: Any, n: int) -> Any:
        return jax.lax.scan(lambda s, _: step(s, X, Y), state, length=n)

    def run(n: int) -> None:
        nonlocal state
        state, _ = jax.block_until_ready(loop(state, X, Y, n))

    return Contender(MEMBERS, run, lambda: setup.state_weights(state))


CONTENDERS = {
    "backprop_xp": ours,
    "ours-numba": ours_by_numba,
    "numpy": handwritten,
    "jax-scan, one network": jax_scan,
    "jax-vmap-scan": jax_vmap,
}


def measure(name: str, budget: timing.Budget) -> dict[str, Any]:
    """Return the losses of the members after some steps, and the seconds of a step of all."""
    contender = CONTENDERS[name]()
    contender.run(CHECKED_STEPS)
    job, (W, b) = jobs(1)[0], contender.weights()
    losses = [
        float(reference.loss(job.X, job.Y, [w[k] for w in W], [c[k] for c in b]))
        for k in range(contender.networks)
    ]
    blocks, _ = timing.time_blocks(contender.run, budget)
    return {"networks": contender.networks, "losses": losses, "blocks": blocks}
