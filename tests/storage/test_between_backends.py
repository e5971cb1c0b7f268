"""Files move between backends: what one has written another reads, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_xp as bp


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 4)), rng.integers(2, size=40)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"members": 3}], ids=["network", "population"])
def test_a_network_comes_back_as_it_was(backend, tmp_path, dtype, options):
    net = bp.Network([4, 6, 1], seed=0, dtype=dtype, backend="numpy", **options)
    bp.fit(net, *data(), epochs=2)
    net.save(tmp_path / "there")
    moved = bp.load(tmp_path / "there", backend=backend)
    assert np.array_equal(backend.to_numpy(moved.theta), net.theta)
    moved.save(tmp_path / "back")
    assert np.array_equal(bp.load(tmp_path / "back", backend="numpy").theta, net.theta)
    assert (tmp_path / "there").read_bytes() == (tmp_path / "back").read_bytes()


def test_a_run_goes_on_where_it_is_moved_to(backend, tmp_path):
    """NumPy → this backend → NumPy, against a run that stayed."""
    options = {"batch_size": 8, "optimizer": bp.Adam(1e-2), "seed": 3}

    def network(on):
        return bp.Network([4, 6, 1], seed=0, dtype="float64", dropout=0.2, backend=on)

    stayed = network("numpy")
    expected = bp.fit(stayed, *data(), epochs=6, **options)
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    bp.fit(network("numpy"), *data(), epochs=2, callbacks=[bp.Checkpoint(first)], **options)
    callbacks = [bp.Checkpoint(second)]
    bp.fit(network(backend), *data(), epochs=4, resume=first, callbacks=callbacks, **options)
    net, callbacks = network("numpy"), [bp.Checkpoint(third)]
    history = bp.fit(net, *data(), epochs=6, resume=second, callbacks=callbacks, **options)
    assert np.allclose(history.loss, expected.loss, rtol=1e-12)
    assert np.allclose(net.theta, stayed.theta, rtol=1e-10, atol=1e-14)


def test_a_checkpoint_holds_the_same_state_after_a_move(backend, tmp_path):
    """Without a step in between, θ and the moments are the same bits."""
    options = {"batch_size": 8, "optimizer": bp.Adam(1e-2)}
    there = tmp_path / "there"
    net = bp.Network([4, 6, 1], seed=0, backend="numpy")
    bp.fit(net, *data(), epochs=2, callbacks=[bp.Checkpoint(there)], **options)
    moved = bp.Network([4, 6, 1], seed=0, backend=backend)
    optimizer = bp.Adam(1e-2)
    bp.fit(moved, *data(), epochs=2, batch_size=8, optimizer=optimizer, resume=there)
    assert np.array_equal(backend.to_numpy(moved.theta), net.theta)
    slots = [backend.to_numpy(slot) for slot in optimizer.state(moved).slots]
    expected = options["optimizer"].state(net).slots
    assert all(np.array_equal(a, b) for a, b in zip(slots, expected, strict=True))
    assert optimizer.state(moved).steps == options["optimizer"].state(net).steps
