"""The embedded data: what they claim to be, with their source and licence beside them."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

import backprop_xp as bp


def test_breast_cancer_is_the_wisconsin_table():
    data = bp.datasets.breast_cancer()
    assert data.name == "Breast Cancer Wisconsin (Diagnostic)"
    assert (data.X.shape, data.X.dtype) == ((569, 30), np.float64)
    assert (data.Y.shape, data.Y.dtype) == ((569,), np.int64)
    assert np.bincount(data.Y).tolist() == [212, 357]
    assert data.class_names == ("malignant", "benign")
    assert len(set(data.feature_names)) == 30
    assert np.isfinite(data.X).all()
    assert (data.X >= 0).all()


def test_columns_have_their_names():
    """Means of the radius and the area, as the data set's description gives them."""
    data = bp.datasets.breast_cancer()
    column = dict(zip(data.feature_names, data.X.T, strict=True))
    assert f"{column['mean_radius'].mean():.3f}" == "14.127"
    assert f"{column['mean_area'].mean():.1f}" == "654.9"
    assert column["mean_radius"][data.Y == 0].mean() > column["mean_radius"][data.Y == 1].mean()


def test_every_call_gives_arrays_of_its_own():
    first = bp.datasets.breast_cancer()
    first.X[:] = 0.0
    assert bp.datasets.breast_cancer().X.any()


def test_source_and_licence_are_beside_the_data():
    text = files("backprop_xp.datasets").joinpath("SOURCES.md").read_text(encoding="utf-8")
    for word in ("breast_cancer.csv", "digits.npz", "CC BY 4.0", "https://", "Wolberg", "Kaynak"):
        assert word in text


# -- digits --------------------------------------------------------------------------------------


def test_digits_are_scikit_learn_s():
    """Which took them from UCI."""
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    data = bp.datasets.digits()
    assert np.array_equal(data.X, theirs.data)
    assert np.array_equal(data.Y, theirs.target)


def test_digits():
    data = bp.datasets.digits()
    assert (data.X.shape, data.X.dtype) == ((1797, 64), np.float64)
    assert (data.Y.shape, data.Y.dtype) == ((1797,), np.int64)
    assert (data.X.min(), data.X.max()) == (0, 16)
    assert np.bincount(data.Y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.class_names == tuple("0123456789")
    assert (len(set(data.feature_names)), data.feature_names[9]) == (64, "pixel_1_1")


def test_the_files_are_small():
    """Everyone who installs the package loads them down."""
    folder = files("backprop_xp.datasets")
    assert len(folder.joinpath("digits.npz").read_bytes()) < 50_000
    assert len(folder.joinpath("breast_cancer.csv").read_bytes()) < 130_000


# -- made from a seed ----------------------------------------------------------------------------

MADE = {
    name: getattr(bp.datasets, name)
    for name in ("moons", "circles", "spirals", "xor", "blobs", "curve")
}


@pytest.mark.parametrize("name", MADE)
def test_a_seed_decides(name):
    first, again, other = (MADE[name](50, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.X, again.X)
    assert np.array_equal(first.Y, again.Y)
    assert not np.array_equal(first.X, other.X)
    generator = MADE[name](50, seed=np.random.default_rng(1))
    assert np.array_equal(first.X, generator.X)


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("rows", [1, 7, 200])
def test_shapes_and_classes(name, rows):
    data = MADE[name](rows)
    features = 1 if name == "curve" else 2
    assert (data.X.shape, data.X.dtype) == ((rows, features), np.float64)
    assert data.Y.shape == (rows,)
    assert len(data.feature_names) == features
    assert np.isfinite(data.X).all()
    if name == "curve":
        assert (data.Y.dtype, data.class_names) == (np.float64, ())
        return
    assert data.Y.dtype == np.int64
    counts = np.bincount(data.Y, minlength=len(data.class_names))
    assert len(counts) == len(data.class_names)
    assert counts.max() - counts.min() <= (2 if name == "xor" else 1)


@pytest.mark.parametrize("name", MADE)
def test_noise_is_a_standard_deviation(name):
    """The same seed with and without noise: what is added has the size that was asked for."""
    with_noise, without = MADE[name](4000, noise=0.3, seed=5), MADE[name](4000, noise=0.0, seed=5)
    added = with_noise.Y - without.Y if name == "curve" else with_noise.X - without.X
    assert abs(added.std() - 0.3) < 0.01
    assert abs(added.mean()) < 0.02


@pytest.mark.parametrize("name", ["moons", "circles", "spirals", "xor"])
def test_no_straight_line_parts_them(name):
    """But a network with a hidden layer does."""
    data = MADE[name](seed=1)
    accuracies = []
    for sizes, hidden in (([2, 1], []), ([2, 16, 16, 1], "tanh")):
        net = bp.Network(sizes, hidden, "sigmoid", seed=0, backend="numpy")
        bp.fit(net, data.X, data.Y, epochs=150, optimizer=bp.Adam(1e-2), progress=False)
        accuracies.append(np.mean((net.predict(data.X.tolist())[:, 0] > 0.5) == data.Y))
    assert accuracies[0] < 0.92
    assert accuracies[1] > 0.95


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 0}, "rows=0: expected a positive integer"),
        ({"rows": 2.5}, r"rows=2\.5: expected a positive integer"),
        ({"noise": -0.1}, r"noise=-0\.1: expected a finite number ≥ 0"),
        ({"noise": float("nan")}, "noise=nan: expected a finite number ≥ 0"),
        ({"noise": "much"}, "noise='much': expected a finite number ≥ 0"),
        ({"seed": -1}, "seed=-1: expected an integer ≥ 0"),
    ],
)
def test_options_that_make_no_sense(name, options, message):
    with pytest.raises(bp.ConfigurationError, match=f"^{message}"):
        MADE[name](**options)


@pytest.mark.parametrize("name", ["blobs", "spirals"])
def test_classes(name):
    assert set(MADE[name](60, classes=5).Y.tolist()) == set(range(5))
    with pytest.raises(bp.ConfigurationError, match=r"^classes=0: expected a positive integer"):
        MADE[name](classes=0)


def test_turns():
    with pytest.raises(bp.ConfigurationError, match=r"^turns=-1: expected a finite number ≥ 0"):
        bp.datasets.spirals(turns=-1)
    straight = bp.datasets.spirals(50, noise=0.0, turns=0.0)
    assert np.allclose(straight.X[:, 1], 0.0)


def test_all_is_complete():
    made = {name for name in vars(bp.datasets) if not name.startswith("_")}
    assert set(bp.datasets.__all__) == made - {"base", "embedded", "generated"}
