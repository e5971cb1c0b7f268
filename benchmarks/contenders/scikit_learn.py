"""scikit-learn's MLPClassifier through partial_fit, one call per step."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.cells import BETA1, BETA2, EPS, Job
from benchmarks.contenders.base import Contender, Weights


def build(job: Job, **options: object) -> MLPClassifier:
    """Return the classifier with the job's architecture and optimizer, and no penalty.

    Its Adam adds epsilon before the bias correction of v, the others after it; the losses differ
    by less than the tolerance for that.
    """
    return MLPClassifier(
        hidden_layer_sizes=job.cell.sizes[1:-1],
        activation="relu",
        solver=job.optimizer,
        alpha=0.0,
        batch_size=job.cell.batch,
        learning_rate="constant",
        learning_rate_init=job.rate,
        momentum=0.0,
        nesterovs_momentum=False,
        beta_1=BETA1,
        beta_2=BETA2,
        epsilon=EPS,
        random_state=0,
        **options,
    )


def classifier_weights(model: MLPClassifier) -> Weights:
    """Return the weights as (n_out, n_in), and the biases."""
    return [w.T.copy() for w in model.coefs_], [b.copy() for b in model.intercepts_]


class ScikitLearn(Contender):
    """The batch given to partial_fit, unshuffled."""

    def __init__(self, job: Job, variant: str) -> None:
        """Let a first call create the arrays, then set the job's weights and a fresh optimizer."""
        self.X, self.labels = job.X, job.labels
        self.model = build(job, shuffle=False)
        self.model.partial_fit(self.X, self.labels, classes=np.arange(max(2, job.cell.sizes[-1])))
        for coef, w in zip(self.model.coefs_, job.W, strict=True):
            coef[...] = w.T
        for intercept, b in zip(self.model.intercepts_, job.b, strict=True):
            intercept[...] = b
        # partial_fit makes a new optimizer, with zero moments, where it finds none.
        del self.model._optimizer
        if self.model.coefs_[0].dtype != np.float32:
            raise TypeError(f"scikit-learn trains in {self.model.coefs_[0].dtype}, not float32")

    def run(self, steps: int) -> None:
        """Call partial_fit so many times."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(steps):
                self.model.partial_fit(self.X, self.labels)

    def weights(self) -> Weights:
        """Return the classifier's weights."""
        return classifier_weights(self.model)


CONTENDER = ScikitLearn
