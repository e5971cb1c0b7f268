"""A training script as a good NumPy programmer writes it: one update per parameter, in place."""

from __future__ import annotations

import numpy as np

from benchmarks.cells import BETA1, BETA2, EPS, Job
from benchmarks.contenders.base import Contender, Weights


class HandwrittenNumpy(Contender):
    """Forward, loss, backward and update, spelled out."""

    def __init__(self, job: Job, variant: str) -> None:
        """Copy the weights and start the moments at zero."""
        self.X, self.Y, self.rate = job.X, job.Y, job.rate
        self.binary = job.cell.binary
        self.W = [w.copy() for w in job.W]
        self.b = [b.copy() for b in job.b]
        self.m = [np.zeros_like(p) for p in self.W + self.b]
        self.v = [np.zeros_like(p) for p in self.W + self.b]
        self.t = 0
        self.update = self._adam if job.optimizer == "adam" else self._sgd

    def run(self, steps: int) -> None:
        """Train so many steps on the batch."""
        for _ in range(steps):
            self._step()

    def weights(self) -> Weights:
        """Return the weights as they are now."""
        return self.W, self.b

    def _step(self) -> float:
        A = [self.X]
        for w, b in zip(self.W, self.b, strict=True):
            Z = A[-1] @ w.T
            Z += b
            if len(A) < len(self.W):
                np.maximum(Z, 0, out=Z)
            A.append(Z)
        J, dZ = self._loss(A.pop())
        last = len(self.W) - 1
        dW, db = [dZ] * (last + 1), [dZ] * (last + 1)
        for k in range(last, -1, -1):
            dW[k] = dZ.T @ A[k]
            db[k] = dZ.sum(axis=0)
            if k:
                dZ = dZ @ self.W[k]
                dZ *= A[k] > 0
        self.update(dW + db)
        return J

    def _loss(self, Z: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean loss of the logits and its derivative by them."""
        m = len(Z)
        if self.binary:
            small = np.exp(-np.abs(Z))
            J = np.maximum(Z, 0) - Z * self.Y + np.log1p(small)
            P = np.where(Z >= 0, 1, small) / (1 + small)
        else:
            Z -= Z.max(axis=1, keepdims=True)
            P = np.exp(Z)
            total = P.sum(axis=1, keepdims=True)
            J = np.log(total)[:, 0] - (Z * self.Y).sum(axis=1)
            P /= total
        P -= self.Y
        P /= m
        return J.sum() / m, P

    def _sgd(self, grads: list[np.ndarray]) -> None:
        for p, g in zip(self.W + self.b, grads, strict=True):
            g *= self.rate
            p -= g

    def _adam(self, grads: list[np.ndarray]) -> None:
        self.t += 1
        # The bias corrections of m and v, folded into the rate and epsilon.
        root = (1 - BETA2**self.t) ** 0.5
        rate, eps = self.rate * root / (1 - BETA1**self.t), EPS * root
        for p, g, m, v in zip(self.W + self.b, grads, self.m, self.v, strict=True):
            m *= BETA1
            change = g * (1 - BETA1)
            m += change
            g *= g
            g *= 1 - BETA2
            v *= BETA2
            v += g
            np.sqrt(v, out=g)
            g += eps
            np.divide(m, g, out=change)
            change *= rate
            p -= change


CONTENDER = HandwrittenNumpy
