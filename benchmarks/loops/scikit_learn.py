"""scikit-learn's MLPClassifier.fit."""

from __future__ import annotations

import warnings

from benchmarks.cells import Job
from benchmarks.contenders.base import Weights
from benchmarks.contenders.scikit_learn import build, classifier_weights
from benchmarks.loops.base import Loop


class ScikitLearnFit(Loop):
    """A fresh fit with shuffling, never stopped early."""

    def __init__(self, job: Job, variant: str) -> None:
        """Keep the job; every fit builds its classifier."""
        self.job = job

    def fit(self, epochs: int) -> None:
        """Fit from scratch."""
        self.model = build(self.job, shuffle=True, max_iter=epochs, n_iter_no_change=epochs + 1)
        with warnings.catch_warnings():
            # It warns that it stopped at max_iter, which is what was asked.
            warnings.simplefilter("ignore")
            self.model.fit(self.job.X, self.job.labels)

    def weights(self) -> Weights:
        """Return the fitted weights."""
        return classifier_weights(self.model)


LOOP = ScikitLearnFit
