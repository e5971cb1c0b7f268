"""A run: its callbacks in order, its end by Ctrl-C, and what a callback sees."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import backprop_xp as bp

HOOKS = [name for name in dir(bp.Callback) if name.startswith("on_")]


def data(rows=10):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 3)), np.arange(rows) % 2


def fit(callbacks, epochs=2, batch_size=5, **options):
    net = bp.Network([3, 2, 1], backend=options.pop("backend", "numpy"))
    options = {"epochs": epochs, "batch_size": batch_size, "callbacks": callbacks} | options
    return net, bp.fit(net, *data(), **options)


def noting(seen):
    def hook(name):
        return lambda self, run: seen.append((name, run.epoch, run.batch))

    return type("Noting", (bp.Callback,), {name: hook(name) for name in HOOKS})()


def test_hooks_are_called_in_order():
    seen = []
    fit([noting(seen)])
    expected = [("on_train_begin", 0, 0)]
    for epoch in (1, 2):
        expected += [("on_epoch_begin", epoch, 0)]
        for batch in (1, 2):
            hooks = ("on_batch_begin", "on_batch_end", "on_progress")
            expected += [(hook, epoch, batch) for hook in hooks]
        expected += [("on_epoch_end", epoch, 2)]
    assert seen == [*expected, ("on_train_end", 2, 2)]


@pytest.mark.parametrize("batch_size", [3, 5, None])
def test_progress_is_told_up_to_the_last_batch(backend, batch_size):
    seen = []

    class Progress(bp.Callback):
        def on_progress(self, run):
            seen.append((run.epoch, run.batch))

    history = fit([Progress()], batch_size=batch_size, backend=backend)[1]
    batches = 1 if batch_size is None else -(-10 // batch_size)
    assert [last for last in seen if last[1] == batches] == [(1, batches), (2, batches)]
    assert seen == sorted(set(seen))
    assert len(history.loss) == 2


def test_an_error_in_a_callback_ends_the_run_and_is_not_hidden():
    class Faulty(bp.Callback):
        def on_epoch_end(self, run):
            raise KeyError("mine")

    seen = []
    with pytest.raises(KeyError, match="mine"):
        fit([noting(seen), Faulty()])
    assert seen[-1][0] == "on_train_end"


def test_a_callback_sees_the_run(backend):
    figures = []

    class Looking(bp.Callback):
        def on_epoch_end(self, run):
            X, Y = run.sample(4)
            figures.append((tuple(X.shape), tuple(Y.shape), run.state.steps, run.batches))
            assert len(run.history.loss) == run.epoch
            assert run.epochs == 3
            assert backend.array_type is type(X)
            assert run.optimizer.learning_rate == 1e-3

    fit(Looking(), epochs=3, backend=backend)
    assert figures == [((4, 3), (4, 1), 2 * epoch, 2) for epoch in (1, 2, 3)]


@pytest.mark.parametrize(("hook", "epochs"), [("on_batch_end", 1), ("on_epoch_end", 2)])
def test_stop_ends_after_the_batch_or_the_epoch(hook, epochs):
    def stop(self, run):
        if run.epoch == 2:
            run.stop("enough")

    history = fit([type("Stop", (bp.Callback,), {hook: stop})()], epochs=9)[1]
    assert history.stopped == "enough"
    assert len(history.loss) == epochs


class Interrupting(bp.Callback):
    """Presses Ctrl-C in the second epoch."""

    def __init__(self, times=1):
        self.times = times

    def on_batch_begin(self, run):
        if (run.epoch, run.batch) == (2, 1):
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_control_c_ends_with_the_history_so_far(tmp_path):
    path = tmp_path / "run"
    net, history = fit([Interrupting(), bp.Checkpoint(path)], epochs=5)
    assert history.stopped == "interrupted"
    assert len(history.loss) == 1
    assert np.isfinite(net.theta).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed, after = fit([], epochs=5, resume=path)
    whole, without = fit([], epochs=5)
    assert after.loss == without.loss
    assert np.array_equal(resumed.theta, whole.theta)


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_the_second_control_c_interrupts_at_once():
    seen = []
    with pytest.raises(KeyboardInterrupt):
        fit([noting(seen), Interrupting(times=2)])
    assert seen[-1][0] == "on_train_end"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_may_train():
    histories = []
    thread = threading.Thread(target=lambda: histories.append(fit([])[1]))
    thread.start()
    thread.join()
    assert len(histories[0].loss) == 2


@pytest.mark.parametrize("callbacks", [3, [3], [bp.EarlyStopping], ["EarlyStopping"]])
def test_what_is_no_callback(callbacks):
    with pytest.raises(bp.ConfigurationError, match="is no Callback"):
        fit(callbacks)
