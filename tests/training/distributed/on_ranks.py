"""What test_job.py runs under mpiexec: `python on_ranks.py CASE ARGUMENTS`.

Every case returns what rank 0 prints as one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import numpy as np
from mpi4py import MPI

import backprop_xp as bp

COMM = MPI.COMM_WORLD
RANK, SIZE = COMM.rank, COMM.size
OPTIMIZERS = (
    bp.SGD(0.2),
    bp.Momentum(0.1),
    bp.Nesterov(0.1),
    bp.RMSprop(),
    bp.Adam(0.01),
    bp.AdamW(0.01),
)
ROWS, HELD_OUT = 103, 31


class Task:
    """Rows of three classes, or with one output a regression; a part of them if `sharded`."""

    def __init__(self, outputs=3):
        rng = np.random.default_rng(1)
        self.X = rng.normal(size=(ROWS + HELD_OUT, 5))
        labels = np.argmax(self.X @ rng.normal(size=(5, 3)), axis=1)
        self.Y = labels if outputs == 3 else self.X[:, :1] ** 2
        self.weights = rng.uniform(0.0, 2.0, ROWS)
        self.outputs = outputs

    def net(self, backend="numpy", **options):
        output = "softmax" if self.outputs == 3 else "identity"
        options = {"dtype": "float64", "seed": 3, "l2": 0.01, "l1": 0.001, **options}
        return bp.Network([5, 7, 6, self.outputs], "tanh", output, backend=backend, **options)

    def cuts(self, rows):
        """Uneven parts: of 4 ranks, say, about 1/10, 2/10, 3/10 and 4/10 of the rows."""
        edges = np.cumsum(np.arange(SIZE + 1)) * rows // (SIZE * (SIZE + 1) // 2)
        return slice(edges[RANK], edges[RANK + 1])

    def fit(self, net, comm=None, sharded=False, weighted=False, validate=True, **options):
        own = self.cuts(ROWS) if sharded else slice(None)
        held_out = self.cuts(HELD_OUT) if sharded else slice(None)
        if weighted:
            weights = self.weights[own] * float(weighted)
            options |= {"sample_weight": weights, "class_weight": "balanced"}
        if validate:
            options["validation_data"] = (self.X[ROWS:][held_out], self.Y[ROWS:][held_out])
        if comm is not None:
            options |= {"comm": comm, "sharded": sharded}
        options = {"epochs": 4, "batch_size": 20, "seed": 4, **options}
        return bp.fit(net, self.X[:ROWS][own], self.Y[:ROWS][own], **options)


def difference(one, many):
    """The largest difference between two (net, history): θ, losses, metrics."""
    (net1, history1), (net2, history2) = one, many
    assert history1.stopped == history2.stopped, (history1.stopped, history2.stopped)
    to_numpy = net1.backend.to_numpy
    pairs = [(to_numpy(net1.theta), to_numpy(net2.theta))]
    pairs += [(getattr(history1, n), getattr(history2, n)) for n in ("loss", "validation_loss")]
    pairs += [(history1.metrics[name], history2.metrics[name]) for name in history1.metrics]
    return max(float(np.max(np.abs(np.subtract(a, b)), initial=0.0)) for a, b in pairs)


# -- N ranks are one ---------------------------------------------------------------------------


def variants():
    """What is asked of fit, by name: (options of the network, of `Task.fit`, outputs)."""
    for optimizer in OPTIMIZERS:
        yield type(optimizer).__name__, {}, {"optimizer": optimizer}, 3
    yield "batch of 2", {}, {"batch_size": 2, "epochs": 1}, 3
    yield "one batch", {}, {"batch_size": None}, 3
    yield "weights", {}, {"weighted": True}, 3
    yield "tiny weights", {}, {"weighted": 1e-200}, 3
    yield "huge weights", {}, {"weighted": 1e300}, 3
    yield "clipping", {}, {"clip_norm": 0.1}, 3
    yield "dropout", {"dropout": 0.3}, {}, 3
    yield "schedule", {}, {"schedule": bp.ReduceOnPlateau(1, 0.5, min_delta=0.05)}, 3
    yield "held out", {}, {"validate": False, "validation_fraction": 0.3, "weighted": True}, 3
    yield "regression", {}, {}, 1
    yield "all of it", {"dropout": 0.2}, {"weighted": True, "clip_norm": 0.5, "batch_size": 10}, 3


def equal(backend):
    """The difference between all ranks and one, by variant."""
    worst = {}
    for name, of_net, of_fit, outputs in variants():
        task = Task(outputs)

        def run(task=task, of_net=of_net, of_fit=of_fit, **more):
            net = task.net(backend, **of_net)
            stopping = [bp.EarlyStopping(2, min_delta=0.02)]
            options = {"optimizer": bp.Adam(0.01), "epochs": 6, "callbacks": stopping, **of_fit}
            return net, task.fit(net, **options, **more)

        one = run()
        for sharded in (False, True):
            worst[f"{name}, {sharded=}"] = difference(one, run(comm=COMM, sharded=sharded))
    return worst


def recorded(backend):
    """So many steps that they are recorded, in float32 and float64; the optimizer goes on."""
    worst, epochs = {}, 10 if backend == "numpy" else 2
    for dtype in ("float64", "float32"):
        task, optimizers, nets = Task(), (bp.Adam(1e-3), bp.Adam(1e-3)), []
        for optimizer, comm in zip(optimizers, (None, COMM), strict=True):
            net = task.net(backend, dtype=dtype)
            for seed in (1, 2):
                history = task.fit(net, comm, optimizer=optimizer, epochs=epochs, seed=seed)
            nets.append((net, history))
        worst[dtype] = difference(*nets)
    return worst


def no_row_for_most(backend):
    """Batches of one row, and fewer validation rows than ranks."""
    task = Task()
    task.X, task.Y = task.X[: ROWS + 1], task.Y[: ROWS + 1]
    nets = [task.net(backend) for _ in range(2)]
    options = {"batch_size": 1, "epochs": 1, "optimizer": bp.SGD(0.1)}
    runs = [(net, task.fit(net, c, **options)) for net, c in zip(nets, (None, COMM), strict=True)]
    return {"": difference(*runs)}


# -- checkpoints -------------------------------------------------------------------------------


def resume(path, epochs):
    """Train up to so many epochs from the checkpoint, if there is one; writes it on rank 0."""
    task = Task()
    net = task.net(dropout=0.1)
    callbacks = [bp.EarlyStopping(50), bp.Checkpoint(path)]
    if RANK:
        path += " is on rank 0 alone"
    there = COMM.bcast(os.path.exists(path))
    task.fit(
        net,
        COMM,
        optimizer=bp.Adam(0.01),
        epochs=int(epochs),
        schedule=bp.ExponentialDecay(0.9),
        callbacks=callbacks,
        resume=path if there else None,
        progress=True,
    )
    return net.theta.tolist()


class Beacon(bp.Callback):
    """Say which process this is, once an epoch is done and there is a checkpoint."""

    def __init__(self, folder):
        self.folder = folder

    def on_epoch_begin(self, run):
        if run.epoch == 3:
            with open(f"{self.folder}/{RANK}.tmp", "w") as file:
                file.write(str(os.getpid()))
            os.rename(f"{self.folder}/{RANK}.tmp", f"{self.folder}/{RANK}.pid")


def forever(folder):
    """Train until somebody ends it."""
    task = Task()
    callbacks = [bp.Checkpoint(f"{folder}/run.safetensors"), Beacon(folder)]
    task.fit(task.net(), COMM, epochs=10**9, callbacks=callbacks)


# -- what goes wrong ---------------------------------------------------------------------------


def raised(run, *arguments, **options):
    """The kind and the words of what a call raises, on every rank."""
    try:
        run(*arguments, **options)
        found = "nothing", ""
    except Exception as problem:
        found = type(problem).__name__, str(problem)
    return COMM.gather(found)


def failing(hook):
    """A callback that fails on rank 1, in the hook of that name."""

    def fail(self, run):
        if RANK == 1:
            raise KeyError("the callback's own")

    return type("Failing", (bp.Callback,), {hook: fail})()


class Meddling(bp.Callback):
    def on_epoch_end(self, run):
        if RANK == 1:
            run.net.b[1] = run.net.b[1] + 1e-3


def disagreements():
    """By what ranks differ in: what each raises. Rank 1 is the one that is different."""
    task, other = Task(), RANK == 1

    def fit(*, of_net=None, change=None, **options):
        mine = Task()
        if change is not None and other:
            change(mine)
        return mine.fit(mine.net(**(of_net or {})), COMM, **options)

    def shorter(mine):
        mine.X, mine.Y = mine.X[1:], mine.Y[1:]

    def altered(mine):
        mine.X = mine.X + 0.1

    def other_held_out(mine):
        mine.X[ROWS:] += 0.1

    def not_a_number(mine):
        mine.X[30, 3] = np.nan  # which is in rank 1's part, too

    found = {
        "seed of the weights": raised(fit, of_net={"seed": 3 + other}),
        "seed of the order": raised(fit, seed=4 + other),
        "no seed": raised(fit, seed=None),
        "dtype": raised(fit, of_net={"dtype": "float32" if other else "float64"}),
        "architecture": raised(fit, of_net={"l2": 0.5 if other else 0.0}),
        "batch size": raised(fit, batch_size=20 + other),
        "optimizer": raised(fit, optimizer=bp.Adam(0.01 * (1 + other))),
        "validation data": raised(fit, validate=other),
        "epochs": raised(fit, epochs=-1 if other else 3),
        "epochs of NumPy's": raised(fit, epochs=np.int64(3 + other)),
        "held-out content": raised(fit, change=other_held_out),
        "content": raised(fit, change=altered),
        "NaN": raised(fit, change=not_a_number),
        "NaN in a part": raised(fit, change=not_a_number, sharded=True),
        "callback before": raised(fit, callbacks=failing("on_train_begin")),
        "callback after": raised(fit, callbacks=failing("on_epoch_end")),
        "callback on weights": raised(fit, callbacks=Meddling()),
        "early stopping": raised(fit, callbacks=[bp.EarlyStopping(3)] if other else None),
        "checkpoint": raised(fit, callbacks=bp.Checkpoint("/nowhere/run.safetensors")),
        "resume": raised(fit, resume="/nowhere/run.safetensors"),
    }
    X, Y = task.X[:ROWS], task.Y[:ROWS]
    found["rows"] = raised(bp.fit, task.net(), X[other:], Y[other:], comm=COMM)
    empty = X[:0] if other else X, Y[:0] if other else Y
    found["no rows"] = raised(bp.fit, task.net(), *empty, comm=COMM, sharded=True)
    version, bp.__version__ = bp.__version__, "0.0.1" if other else bp.__version__
    found["version"] = raised(fit)
    bp.__version__ = version
    found["nothing"] = raised(fit)
    return found


def failing_within_an_epoch():
    task = Task()
    task.fit(task.net(), COMM, callbacks=failing("on_batch_end"))


class Interrupting(bp.Callback):
    def on_batch_end(self, run):
        if RANK == 1 and run.epoch == 1 and run.batch == 40:
            os.kill(os.getpid(), signal.SIGINT)


class Stopping(bp.Callback):
    def on_epoch_end(self, run):
        if RANK == 1 and run.epoch == 2:
            run.stop("enough")


def stopped():
    """Ctrl-C, and a callback that stops, on rank 1 alone: (reason, epochs, steps) by rank."""
    found = {}
    for name, callback in {"interrupted": Interrupting(), "enough": Stopping()}.items():
        task, optimizer = Task(), bp.SGD(0.1)
        net = task.net()
        history = task.fit(net, COMM, optimizer=optimizer, batch_size=1, callbacks=callback)
        steps = optimizer.state(net).steps
        found[name] = COMM.gather((history.stopped, len(history.loss), steps))
    return found


def diverging():
    """(epoch, batch, layer, steps, difference) of a run that leaves the numbers, and of one."""
    found = []
    for comm in (None, COMM):
        task, optimizer = Task(1), bp.SGD(3.0)
        net = task.net(l1=0.0, l2=0.0)
        try:
            task.fit(net, comm, optimizer=optimizer, epochs=50, clip_norm=None)
        except bp.DivergenceError as problem:
            where = [problem.epoch, problem.batch, problem.layer, optimizer.state(net).steps]
            found.append((where, net.theta.copy(), str(problem)))
    (here, theta, words), (there, other, others) = found
    worst = float(np.max(np.abs(theta - other)) / np.max(np.abs(theta)))
    return COMM.gather([here, there, worst, words, others])


if __name__ == "__main__":
    answer = globals()[sys.argv[1]](*sys.argv[2:])
    if RANK == 0:
        print(json.dumps(answer))
