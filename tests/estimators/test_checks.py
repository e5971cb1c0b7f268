"""scikit-learn's own checks of estimators, and its own tests of its own two classes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn
from sklearn.utils.estimator_checks import parametrize_with_checks

from backprop_xp.estimators import MLPClassifier, MLPRegressor


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
@pytest.mark.filterwarnings("ignore")
def test_check_estimator(estimator, check):
    check(estimator)


ARRAY_API = """
import sys
import warnings
from sklearn.utils import estimator_checks
from sklearn.utils._array_api import NamespaceAndDevice
from backprop_xp.estimators import MLPClassifier, MLPRegressor

warnings.simplefilter("ignore")
there = NamespaceAndDevice(*eval(sys.argv[1]))
here = NamespaceAndDevice("numpy", None)
for estimator in (MLPClassifier(), MLPRegressor(), MLPRegressor(solver="lbfgs")):
    for weights in (False, True):
        estimator_checks.check_array_api_input_and_values(
            "", estimator, *there, check_sample_weight=weights
        )
    for pair in ((there, here), (here, there)):
        estimator_checks.check_array_api_mixed_inputs("", estimator, *pair)
    print("passed")
"""
NAMESPACES = {"numpy": ("numpy", None), "strict": ("array_api_strict", "device1")}


def test_array_api_input_is_checked(backend):
    """Their checks of estimators that follow X, which need an environment of their own."""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    namespace = NAMESPACES.get(backend.name, (backend.library, None))
    done = subprocess.run(
        [sys.executable, "-c", ARRAY_API, repr(namespace)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["passed"] * 3, done.stderr


# What asks for private methods of theirs; test_fitted_weights.py has the same facts for ours.
PRIVATE = {"test_fit", "test_gradient"}


def their_tests():
    """Their test functions, with our classes in place of theirs."""
    path = Path(sklearn.__file__).parent / "neural_network" / "tests" / "test_mlp.py"
    if not path.exists():  # a distribution may leave tests out
        return {}
    source = path.read_text(encoding="utf-8")
    line = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
    assert source.count(line) == 1
    space = {"__name__": "their_tests", "__file__": str(path)}
    ours = line.replace("sklearn.neural_network", "backprop_xp.estimators")
    exec(compile(source.replace(line, ours), str(path), "exec"), space)
    return {
        name: function
        for name, function in space.items()
        if name.startswith("test_") and name not in PRIVATE
    }


@pytest.fixture
def global_random_seed():
    return 42


class TestTheirs:
    """Collected like tests written here."""

    pytestmark = pytest.mark.filterwarnings("default")


for _name, _test in their_tests().items():
    setattr(TestTheirs, _name, staticmethod(_test))


def test_their_tests_were_found():
    assert len([name for name in vars(TestTheirs) if name.startswith("test_")]) >= 40
