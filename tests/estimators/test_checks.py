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
import warnings
from sklearn.utils.estimator_checks import estimator_checks_generator
from backprop_xp.estimators import MLPClassifier, MLPRegressor

warnings.simplefilter("ignore")
for kind in (MLPClassifier, MLPRegressor):
    for estimator, check in estimator_checks_generator(kind()):
        if "check_array_api_input" in str(check):
            check(estimator)
            print("passed")
"""


def test_array_api_input_is_checked():
    """The one check that needs an environment of its own."""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ARRAY_API], env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == ["passed"] * 2, done.stderr


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
