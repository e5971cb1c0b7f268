"""The whole of backpropagation, to be read from top to bottom in five minutes.

The network of the article: n0 features, one hidden layer of n1 tanh units, n2 sigmoid outputs.
Each line bears the name of the article's equation: I0, F1-F4, J, B1-B8, U1-U4. This file needs
nothing but NumPy; with another namespace of the array API, such as CuPy, the same lines run there.

    X  (m, n0)   m examples, one per row       W1 (n1, n0)   b1 (n1,)   hidden layer
    Y  (m, n2)   their targets, 0 or 1         W2 (n2, n1)   b2 (n2,)   output layer

The article has its examples as columns, and writes F1 as Z1 = W1 X + b1. Here they are rows, as
usual in Python, so that every product is the article's, transposed: Z1 = X W1^T + b1.
"""

from typing import Any

import numpy as np

Array = Any  # of the namespace that was handed in


class Textbook:
    """A network of two layers: sizes are n0, n1, n2; the seed decides its first weights."""

    def __init__(self, sizes: tuple[int, int, int], seed: int = 0, xp: Any = np) -> None:
        n0, n1, n2 = sizes
        rng = np.random.default_rng(seed)
        r1, r2 = (6 / (n0 + n1)) ** 0.5, (6 / (n1 + n2)) ** 0.5  # Glorot and Bengio, 2010
        self.xp = xp
        self.W1 = xp.asarray(rng.uniform(-r1, r1, (n1, n0)))  # I0: W starts random ...
        self.W2 = xp.asarray(rng.uniform(-r2, r2, (n2, n1)))
        self.b1 = xp.zeros(n1, dtype=xp.float64)  # ... and b at 0
        self.b2 = xp.zeros(n2, dtype=xp.float64)

    def forward(self, X: Array) -> tuple[Array, Array]:
        """From the examples to the probabilities A2; A1 is kept for the way back."""
        Z1 = X @ self.W1.T + self.b1  # F1  (m, n1)
        A1 = self.xp.tanh(Z1)  # F2  (m, n1)  g = tanh
        Z2 = A1 @ self.W2.T + self.b2  # F3  (m, n2)
        A2 = 1 / (1 + self.xp.exp(-Z2))  # F4  (m, n2)  sigma(Z2), the sigmoid
        return A1, A2

    def cost(self, A2: Array, Y: Array) -> float:
        """How wrong A2 is: 0 if it is Y, the larger the worse; a mean over the m examples."""
        log = self.xp.log
        j = -Y * log(A2) - (1 - Y) * log(1 - A2)  # J  (m, n2)  of each example and output
        return float(self.xp.sum(j) / Y.shape[0])

    def backward(self, X: Array, A1: Array, A2: Array, Y: Array) -> tuple[Array, ...]:
        """The gradient of J by the chain rule, factor by factor, from the output to the input."""
        m = Y.shape[0]

        # B1: dJ/dW2 = dJ/dA2 . dA2/dZ2 . dZ2/dW2
        dA2_dZ2 = A2 * (1 - A2)  # B2  (m, n2)  the slope of the sigmoid
        dJ_dA2 = (-Y / A2 + (1 - Y) / (1 - A2)) / m  # B3  (m, n2)
        dJ_dZ2 = dJ_dA2 * dA2_dZ2  # the first two factors; what is left of them is (A2 - Y) / m
        dZ2_dW2 = A1  # B4  (m, n1)
        dJ_dW2 = dJ_dZ2.T @ dZ2_dW2  # B5  (n2, n1) = (n2, m) (m, n1): a sum over the examples
        dJ_db2 = self.xp.sum(dJ_dZ2, axis=0)  # B6  (n2,)  since dZ2/db2 = 1

        # B7: dJ/dW1 = dJ/dZ2 . dZ2/dA1 . dA1/dZ1 . dZ1/dW1
        dZ2_dA1 = self.W2  # (n2, n1)
        dA1_dZ1 = 1 - A1 * A1  # (m, n1)  g'(Z1), the slope of tanh
        dZ1_dW1 = X  # (m, n0)
        dJ_dA1 = dJ_dZ2 @ dZ2_dA1  # (m, n1) = (m, n2) (n2, n1): each unit is blamed by its weights
        dJ_dZ1 = dJ_dA1 * dA1_dZ1  # (m, n1)
        dJ_dW1 = dJ_dZ1.T @ dZ1_dW1  # B7  (n1, n0) = (n1, m) (m, n0)
        dJ_db1 = self.xp.sum(dJ_dZ1, axis=0)  # B8  (n1,)  since dZ1/db1 = 1
        return dJ_dW1, dJ_db1, dJ_dW2, dJ_db2

    def update(self, gradient: tuple[Array, ...], alpha: float) -> None:
        """A step downhill; alpha is the learning rate."""
        dJ_dW1, dJ_db1, dJ_dW2, dJ_db2 = gradient
        self.W2 = self.W2 - alpha * dJ_dW2  # U1
        self.b2 = self.b2 - alpha * dJ_db2  # U2
        self.W1 = self.W1 - alpha * dJ_dW1  # U3
        self.b1 = self.b1 - alpha * dJ_db1  # U4

    def train(self, X: Array, Y: Array, epochs: int, alpha: float) -> list[float]:
        """Forward, cost, backward, update, again and again; the costs show whether it learns."""
        costs = []
        for _ in range(epochs):
            A1, A2 = self.forward(X)
            costs.append(self.cost(A2, Y))
            self.update(self.backward(X, A1, A2, Y), alpha)
        return costs


if __name__ == "__main__":
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    Y = np.array([[0.0], [1.0], [1.0], [0.0]])  # exclusive or: no single layer can learn it
    net = Textbook((2, 4, 1))
    costs = net.train(X, Y, epochs=2000, alpha=1.0)
    print(f"J = {costs[0]:.4f} at first, {costs[-1]:.4f} at last")
    for x, y, a in zip(X, Y, net.forward(X)[1], strict=True):
        print(f"{x} -> {a[0]:.3f}, should be {y[0]:.0f}")
