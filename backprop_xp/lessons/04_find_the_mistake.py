# %% [markdown]
# # 4. Find the mistake
#
# A wrong gradient rarely crashes. It trains, a little worse than it could, and nobody knows. So
# you check a gradient before you trust it. First you write your own `backward`, then you find
# eight planted mistakes.
#
# ## The check
#
# ∂J/∂w is how J changes if w alone changes. That can be tried for every w:
#
#     (J(w + h) − J(w − h)) / (2 h)
#
# It costs two forward passes per weight, far too slow to train with, but it knows nothing of the
# chain rule: an independent witness. How close should the two be?
#
# **Think first:** take h = 10⁻², 10⁻⁵, 10⁻¹². Which one is the most exact?

# %%
import numpy as np


def J(w):
    return np.log(1 + np.exp(-3 * w))


w = 0.4
exact = -3 / (1 + np.exp(3 * w))
for h in (1e-2, 1e-5, 1e-8, 1e-12):
    tried = (J(w + h) - J(w - h)) / (2 * h)
    print(f"h = {h:5.0e}: relative error {abs(tried - exact) / abs(exact):.0e}")

# %% [markdown]
# A large h sees the curve bend; a tiny h drowns in rounding, since J(w + h) and J(w − h) agree in
# nearly all their digits. Between them lies 10⁻⁵, in float64. `bp.check_gradients` does this for
# every parameter, in float64.
#
# ## Your own backward
#
# Subclass `bp.Network` and write the lines of lesson 2, for any number of layers. `trace.A[l]`
# and `trace.Z[l]` are what forward has kept; `self.gradient()` makes an empty gradient.

# %%
import backprop_xp as bp


class Mine(bp.Network):
    def backward(self, trace, Y, sample_weight=None):
        grads = self.gradient()
        Y = self.as_targets(Y, trace.rows)
        L = len(self.sizes) - 1
        dZ = (trace.A[L] - Y) / trace.rows  # B2·B3
        for l in range(L, 0, -1):
            grads.W[l] = dZ.T @ trace.A[l - 1]  # B5, B7
            grads.b[l] = dZ.sum(axis=0)  # B6, B8
            if l > 1:
                dA = dZ @ self.W[l]
                dZ = dA * (1 - trace.A[l - 1] ** 2)  # tanh
        return grads


rng = np.random.default_rng(0)
X, Y = rng.normal(size=(12, 3)), rng.integers(2, size=12)
net = Mine([3, 5, 4, 1], "tanh", "sigmoid", backend="numpy")
print(bp.check_gradients(net, X, Y))

# %% [markdown]
# Errors of 10⁻⁷ and below are rounding. A mistake looks different: the errors are 10⁻², or 1, or
# 2. And *where* they are tells where the mistake is. The gradient is computed from the last layer
# to the first, and each layer hands its dZ on.
#
# **Think first:** if the line of dW[2] alone is wrong, which parameters fail? And if dA is wrong
# on the way from layer 3 to layer 2?


# %%
class WrongWeights(Mine):
    def backward(self, trace, Y, sample_weight=None):
        grads = super().backward(trace, Y)
        grads.W[2] = 2 * grads.W[2]
        return grads


class WrongWayBack(Mine):
    def backward(self, trace, Y, sample_weight=None):
        grads = super().backward(trace, Y)
        for l in (1, 2):
            grads.W[l], grads.b[l] = 2 * grads.W[l], 2 * grads.b[l]
        return grads


for kind in (WrongWeights, WrongWayBack):
    report = bp.check_gradients(kind([3, 5, 4, 1], "tanh", "sigmoid", backend="numpy"), X, Y)
    failed = [line.name for line in report.lines if not line.passed]
    print(f"{kind.__name__:13} fails at {', '.join(failed)}; look at layer {report.layer}")

# %% [markdown]
# A mistake in one gradient stays there; a mistake in dZ spoils everything below. `report.layer`
# is the *last* wrong layer, the first on the way back: look there first.
#
# ## Eight planted mistakes
#
# The networks 1 … 8 have the textbook's backward, each with one mistake. Layer 2 is square (3 ×
# 3), so shapes do not help. For each you see what fails, and how backward compares with the
# difference at the worst place.

# %%
from backprop_xp.lessons.planted import MISTAKES, planted

X, Y = rng.normal(size=(12, 4)), rng.integers(2, size=(12, 3))
reports = {}
for number, mistake in enumerate(MISTAKES, start=1):
    net = planted(mistake)([4, 3, 3], "tanh", "sigmoid", seed=2, backend="numpy")
    reports[number] = bp.check_gradients(net, X, Y)
    failed = ", ".join(line.name for line in reports[number].lines if not line.passed)
    worst = reports[number].worst
    ratio = worst.backward / worst.difference
    print(
        f"{number}: {failed:22} at {worst.worst:10} backward is {ratio:7.3f} times the difference"
    )

# %% [markdown]
# The numbers are clues. There are m = 12 examples. A ratio of −1 is a sign. A slope of tanh lies
# between 0 and 1, one of the sigmoid between 0 and 0.25. A transposed matrix has ratios without
# any pattern.
#
# Two of them fail at W[1] and b[1], with ratios that say little: sums over examples blur. *With
# one example* a factor is seen as it is. Here are the ratios for each hidden unit:

# %%
for number in (1, 7):
    net = planted(MISTAKES[number - 1])(
        [4, 3, 3], "tanh", "sigmoid", seed=2, dtype="float64", backend="numpy"
    )
    grads = net.backward(net.forward(X[:1]), Y[:1])
    differences = bp.check_gradients(net, X[:1], Y[:1]).lines[1].differences  # of b[1]
    print(number, np.round(grads.b[1] / np.array(differences), 3))

# %% [markdown]
# **Think first:** a forgotten slope leaves the gradient too large, by 1/(1 − a²), and never turns
# a sign.
#
# ## Task
#
# Which network has which mistake? The eight are
#
#     "1/m forgotten"                  "slope of tanh forgotten"
#     "slope of the sigmoid twice"     "wrong sign at the output"
#     "dW2 transposed"                 "wrong sign of dW1"
#     "W2 transposed"                  "db1 averaged"                (the mean in place of the sum)
#
# Fill in the answers. `print(reports[1])` shows a whole report.

# %% tags=["task"]
answers = {1: "", 2: "", 3: "", 4: "", 5: "", 6: "", 7: "", 8: ""}


# %% tags=["check"]
def check():
    right = [n for n, mistake in enumerate(MISTAKES, start=1) if answers[n] == mistake.name]
    if len(right) < len(MISTAKES):
        return f"not yet: {len(right)} of {len(MISTAKES)} are right: {right}"
    return "solved: all eight"


print(check())

# %% [markdown]
# ## Solution
#
# - If all fails and the ratio is one number everywhere, the output is wrong: 12 = m means 1/m
#   forgotten, −1 the sign. A ratio that is small and differs is a slope too many.
# - If W[2] alone fails, it is the line of dW2; b[1] alone with 1/12 is the mean; W[1] alone with
#   −1 the sign.
# - If W[1] and b[1] fail and layer 2 is right, it is the way between. With one example, all
#   ratios above 1 mean a forgotten slope; ratios of any size and sign mean a transposed W2.

# %% tags=["solution"]
for number, mistake in enumerate(MISTAKES, start=1):
    answers[number] = mistake.name
    print(f"{number}: {mistake.name}: {mistake.wrong}  in place of  {mistake.right}")

print(check())
