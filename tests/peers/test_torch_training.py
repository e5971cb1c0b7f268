"""Weights, dropout, clipping and schedules against PyTorch's and scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp

torch = pytest.importorskip("torch")
class_weight = pytest.importorskip("sklearn.utils.class_weight")


def problem(backend, **options):
    rng = np.random.default_rng(2)
    net = bp.Network([4, 6, 3], "tanh", "softmax", dtype="float64", backend=backend, **options)
    return net, rng.normal(size=(9, 4)), rng.integers(0, 3, 9), rng.uniform(0, 2, 9)


def theirs(net):
    """PyTorch's leaves with the values of θ: W[1], b[1], W[2], b[2]."""
    windows = [w for pair in zip(net.W, net.b, strict=True) for w in pair]
    return [torch.tensor(net.backend.to_numpy(w), requires_grad=True) for w in windows]


def logits(leaves, X, D=1.0):
    W1, b1, W2, b2 = leaves
    return torch.tanh(torch.tensor(X) @ W1.T + b1) * D @ W2.T + b2


def gradient(leaves):
    return np.concatenate([leaf.grad.numpy().ravel() for leaf in leaves])


def test_weighted_cross_entropy(backend):
    net, X, Y, weights = problem(backend)
    trace = net.forward(backend.asarray(X))
    given = backend.asarray(Y), backend.asarray(weights)
    leaves = theirs(net)
    each = torch.nn.functional.cross_entropy(logits(leaves, X), torch.tensor(Y), reduction="none")
    J = (each * torch.tensor(weights)).sum() / weights.sum()
    J.backward()
    assert float(net.cost(trace, *given)) == pytest.approx(J.item(), rel=1e-12)
    ours = backend.to_numpy(net.backward(trace, *given).theta)
    np.testing.assert_allclose(ours, gradient(leaves), atol=1e-14)


def test_class_weights_are_pytorch_s_and_balanced_is_scikit_learn_s(backend):
    """One epoch of one batch at rate 1 shows J and its gradient."""
    net, X, Y, _ = problem(backend)
    balanced = class_weight.compute_class_weight("balanced", classes=np.arange(3), y=Y)
    leaves, before = theirs(net), backend.to_numpy(net.theta).copy()
    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor(balanced))
    J = loss(logits(leaves, X), torch.tensor(Y))
    J.backward()
    options = {"batch_size": None, "optimizer": bp.SGD(1.0), "class_weight": "balanced"}
    history = bp.fit(net, X, Y, epochs=1, **options)
    assert history.loss == [pytest.approx(J.item(), rel=1e-12)]
    moved = before - backend.to_numpy(net.theta)
    np.testing.assert_allclose(moved, gradient(leaves), atol=1e-14)


def test_dropout_with_the_same_units(backend):
    net, X, Y, _ = problem(backend, dropout=0.5)
    trace = net.forward(backend.asarray(X), dropout=3)
    leaves = theirs(net)
    D = torch.tensor(backend.to_numpy(trace.D[1]))
    torch.nn.functional.cross_entropy(logits(leaves, X, D), torch.tensor(Y)).backward()
    ours = backend.to_numpy(net.backward(trace, backend.asarray(Y)).theta)
    np.testing.assert_allclose(ours, gradient(leaves), atol=1e-14)


@pytest.mark.parametrize("limit", [0.01, 0.3, 100.0])
def test_clipping(backend, limit):
    net, X, Y, _ = problem(backend)
    leaves, before = theirs(net), backend.to_numpy(net.theta).copy()
    torch.nn.functional.cross_entropy(logits(leaves, X), torch.tensor(Y)).backward()
    torch.nn.utils.clip_grad_norm_(leaves, limit)
    step = bp.train_step(net, bp.SGD(1.0), clip_norm=limit)
    step(backend.asarray(X), backend.asarray(Y))
    moved = before - backend.to_numpy(net.theta)
    np.testing.assert_allclose(moved, gradient(leaves), rtol=1e-4, atol=1e-14)  # their ε is 1e-6


SCHEDULES = [
    (bp.StepDecay(every=3, ratio=0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
    (bp.ExponentialDecay(0.9), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    (bp.CosineDecay(), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10)),
]


@pytest.mark.parametrize(("ours", "make"), SCHEDULES, ids=lambda s: type(s).__name__)
def test_schedules_at_whole_epochs(ours, make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    for epoch in range(10):
        assert ours.factor(float(epoch), 10) == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()


def test_reducing_on_a_plateau():
    """Their patience tolerates one epoch more than Keras' and ours."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=2, threshold=0.1, threshold_mode="abs"
    )
    ours = bp.ReduceOnPlateau(patience=3, ratio=0.5, min_delta=0.1)
    for loss in (5, 4, 4, 3.95, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2, 1.95, 1.8):
        schedule.step(loss)
        ours.after_epoch(bp.History(loss=[loss]))
        assert ours.factor(0.0, 1) == schedule.get_last_lr()[0]
