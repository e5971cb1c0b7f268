# %% [markdown]
# # 6. Losses, and why J is computed from logits
#
# The loss j says how bad an answer a is when the target is y. J, its mean, is what training makes
# small: *you get what you ask for*. Here you see which loss asks for what, and a trap in the
# textbook's formula for J.
#
# ## What a loss asks for
#
# A network that knows nothing can only answer one number c for all examples. Which c is best
# depends on the loss.
#
# **Think first:** the targets are 0, 1, 2, 3 and 100. Which c makes the sum of ½(c − y)²
# smallest? Which one that of |c − y|?

# %%
import numpy as np

import backprop_xp as bp

targets = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
c = np.linspace(-5, 105, 11001)[:, None]
size = np.abs(c - targets)
losses = {
    "squared_error": 0.5 * size**2,
    "absolute_error": size,
    "huber": np.minimum(size, 1) * (size - 0.5 * np.minimum(size, 1)),
}
for name, j in losses.items():
    print(f"{name:15} best answer {float(c[j.sum(axis=1).argmin(), 0]):6.2f}")
print(f"mean {targets.mean():.2f}, median {np.median(targets):.2f}")

# %% [markdown]
# Squared error asks for the mean, and the one odd value 100 pulls it away. Absolute error asks
# for the median, which does not care. Huber's loss is square near 0 and straight beyond 1:
# smooth, and robust.
#
# The slopes say why. ∂j/∂a is a − y for the squared error: a wild target pulls with all its size.
# For the others it is at most 1.
#
# ## For probabilities
#
# If a is the probability of class 1, the loss should be small when probable things happen.
# Cross-entropy is −log of the probability that the network gave to what did happen.
#
# **Think first:** a network says 0.99, and is wrong. What does cross-entropy charge? What squared
# error?

# %%
print("said for the truth    cross-entropy    squared error")
for p in (0.99, 0.9, 0.5, 0.1, 0.01, 0.0001):
    print(f"{p:12}          {-np.log(p):12.3f}    {0.5 * (1 - p) ** 2:12.3f}")

# %% [markdown]
# Cross-entropy has no upper limit: who is sure and wrong pays. And what matters more is the slope
# on the way back. With the sigmoid, z → a = σ(z):
#
#     cross-entropy    ∂j/∂z = a − y
#     squared error    ∂j/∂z = (a − y) · a (1 − a)
#
# **Think first:** y = 1 and z = −10: as wrong as can be. Which of the two slopes is large?

# %%
z, y = -10.0, 1.0
a = 1 / (1 + np.exp(-z))
print(f"a = {a:.6f}")
print(f"cross-entropy pulls with {a - y:.6f}")
print(f"squared error pulls with {(a - y) * a * (1 - a):.6f}")

# %% [markdown]
# With the squared error a unit that is totally wrong is also totally stuck: σ is flat there.
# Cross-entropy divides by just that slope (B3), so they cancel. Such a pair of output and loss is
# *matched*: sigmoid with binary cross-entropy, softmax with cross-entropy, identity with ½
# squared error. For all three ∂j/∂z = a − y. The library takes the match if you name no loss.
#
# ## The trap: log of 0
#
# z, the value before the sigmoid, is called the **logit**. The textbook computes a = σ(z) and
# then log(1 − a).
#
# **Think first:** y = 0, and z = 40. By hand, −log(1 − σ(40)) is almost exactly 40. What does the
# computer say?

# %%
with np.errstate(divide="ignore"):
    for z in (5.0, 20.0, 36.0, 40.0):
        a = 1 / (1 + np.exp(-z))
        literal = -np.log(1 - a)
        from_logits = max(z, 0) - z * 0 + np.log1p(np.exp(-abs(z)))
        print(
            f"z = {z:4}: a = {a!s:20} −log(1 − a) = {literal:18.12f}   from z: {from_logits:.12f}"
        )

# %% [markdown]
# At some z, a *is* 1: the digits that made the difference are gone, and log(0) is −∞. A little
# earlier the result is already off. Where is that?

# %%
for dtype in (np.float64, np.float32):
    z = np.arange(0, 50, dtype=dtype)
    first = z[1 / (1 + np.exp(-z)) == 1][0]
    print(f"{dtype.__name__}: a is exactly 1 from z = {first:.0f} on")

# %% [markdown]
# So do not compute a first. Put the formulas into each other on paper:
#
#     j = −y log σ(z) − (1 − y) log(1 − σ(z))
#       = max(z, 0) − z y + log(1 + e^(−|z|))
#
# Now e is raised to negative numbers only, so that nothing overflows, and log1p(x), which is
# log(1 + x), is exact for tiny x. The library computes J like this, always from Z[L]; and dZ[L]
# is A[L] − Y, which divides by nothing.

# %%
from backprop_xp.textbook import Textbook

book = Textbook((1, 1, 1))
net = bp.Network([1, 1, 1], "tanh", "sigmoid", dtype="float64", backend="numpy")
book.W2[:], net.W[2][:] = 60.0, 60.0
book.b2[:], net.b[2][:] = 10.0, 10.0
book.W1[:], net.W[1][:] = 2.0, 2.0
X, Y = np.array([[1.0]]), np.array([[0.0]])
with np.errstate(all="ignore"):
    print("textbook J:", book.cost(book.forward(X)[1], Y))
print("library  J:", float(net.cost(net.forward(X), Y)))

# %% [markdown]
# ## More than two classes
#
# softmax turns K logits into K probabilities that sum to 1: e^z[k] / Σ e^z. It has the same trap:
# e^1000 overflows. Subtract the largest logit first; the quotient does not change.

# %%
z = np.array([1000.0, 999.0, 0.0])
with np.errstate(all="ignore"):
    print("literal:          ", np.exp(z) / np.exp(z).sum())
shifted = np.exp(z - z.max())
print("largest subtracted:", shifted / shifted.sum())

# %% [markdown]
# ## Task
#
# Write the cross-entropy for softmax from logits: Z is (m, K), labels is (m,) with integers 0 …
# K−1. The result is the mean of −log p[label]. It must be right for logits of any size. On paper
# first:
#
#     −log( e^z[k] / Σ e^z ) = log( Σ e^z ) − z[k]


# %% tags=["task"]
def cross_entropy(Z, labels):
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(Z)), labels]).mean()


# %% tags=["check"]
def check():
    rng = np.random.default_rng(0)
    for scale in (1.0, 30.0, 2000.0):
        Z, labels = scale * rng.normal(size=(8, 4)), rng.integers(4, size=8)
        net = bp.Network([4, 4], output="softmax", dtype="float64", backend="numpy")
        net.W[1][:], net.b[1][:] = np.eye(4), 0.0
        wanted = float(net.cost(net.forward(Z), labels))
        with np.errstate(all="ignore"):
            given = float(cross_entropy(Z, labels))
        if not np.isclose(given, wanted, rtol=1e-9):
            return f"not yet: with logits around {scale:g} it is {given:.6g} and not {wanted:.6g}"
    return "solved: right for logits of any size"


print(check())

# %% [markdown]
# ## Solution
#
# Subtract the largest logit of each row from the row; then the sum is at least 1 and at most K,
# and its logarithm is harmless.


# %% tags=["solution"]
def cross_entropy(Z, labels):
    shifted = Z - Z.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return (log_sum - shifted[np.arange(len(Z)), labels]).mean()


print(check())
