"""`train` without a table: the article's two-layer network on the embedded real data."""

from __future__ import annotations

import argparse
import time

import numpy as np

import backprop_xp as bp
from backprop_xp.cli.ranks import communicator
from backprop_xp.data.hold_out import stratified_split
from backprop_xp.training.distributed.ranks import Ranks
from backprop_xp.wording import duration, plural


def train_example(options: argparse.Namespace, ranks: Ranks | None) -> int:
    """Train, on all ranks if there are any, and print the accuracy on the held-out rows."""
    backend = bp.get_backend(options.backend)
    data = bp.datasets.breast_cancer()
    training, test = stratified_split(data.Y, 0.2, options.seed)
    mean, deviation = data.X[training].mean(axis=0), data.X[training].std(axis=0)
    X = (data.X - mean) / deviation
    net = bp.Network(
        [X.shape[1], 16, 1], hidden="tanh", output="sigmoid", seed=options.seed, backend=backend
    )
    print(f"data      {data.name}: {len(training)} rows to train on, {len(test)} held out")
    print(
        f"network   {X.shape[1]} features → 16 tanh → 1 sigmoid, binary cross-entropy, "
        f"{net.theta.shape[0]} parameters"
    )
    print(f"backend   {backend.name} ({backend.description})", flush=True)
    start = time.perf_counter()
    history = bp.fit(
        net,
        X[training],
        data.Y[training],
        epochs=100,
        batch_size=32,
        optimizer=bp.SGD(0.1),
        seed=options.seed,
        comm=communicator(ranks),
    )
    seconds = time.perf_counter() - start
    if not history.loss:  # interrupted in the first epoch
        raise KeyboardInterrupt
    predicted = backend.to_numpy(net.predict(backend.asarray(X[test])))[:, 0] > 0.5
    right = int(np.sum(predicted == data.Y[test]))
    epochs = plural(len(history.loss), "epoch")
    print(
        f"trained   {epochs} of gradient descent in {duration(seconds)}, "
        f"cost {history.loss[0]:.4f} → {history.loss[-1]:.4f}"
    )
    print(f"test accuracy {right / len(test):.3f} ({right} of {len(test)} rows right)")
    return 0
