# %% [markdown]
# # 5. Activations and their slopes
#
# Between two layers stands g, the activation: A = g(Z). On the way back the same place has g'(Z),
# its slope. So g decides twice: what the network can say, and whether it can learn. Here you see
# both, and two ways in which a unit stops learning.
#
# ## Why bend at all?
#
# **Think first:** take a network of three layers without g, that is with g(z) = z. How much more
# can it say than one layer?

# %%
import textwrap

import numpy as np

import backprop_xp as bp

rng = np.random.default_rng(0)
W1, W2, W3 = rng.normal(size=(4, 2)), rng.normal(size=(4, 4)), rng.normal(size=(1, 4))
X = rng.normal(size=(5, 2))
deep = X @ W1.T @ W2.T @ W3.T
one = X @ (W3 @ W2 @ W1).T  # one matrix, (1, 2)
print("three layers without g are one layer:", np.allclose(deep, one))

# %% [markdown]
# Nothing more: a product of matrices is a matrix. The bend makes the difference. Here are the
# bends of this library, and their slopes.

# %%
from backprop_xp.lessons import drawing

z = np.linspace(-5, 5, 401)
names = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "identity"]
g = {name: bp.Network([1, 1, 1], hidden=name, backend="numpy").hidden[0] for name in names}
panels, largest = {}, {}
for name in names:
    a = g[name].value(np, z)
    slope = g[name].slope(np, z, a)
    panels[name] = (z, {"g": a, "g'": slope})
    largest[name] = slope.max()
drawing.lines("lesson-5-activations", panels, x="z")
for name in names:
    at = [
        float(g[name].slope(np, np.array(v), g[name].value(np, np.array(v)))) for v in (-4.0, 4.0)
    ]
    print(
        f"{name:11} slope at −4: {at[0]:7.4f}   at 4: {at[1]:7.4f}   largest: {largest[name]:.3f}"
    )

# %% [markdown]
# Two groups. sigmoid and tanh are flat on *both* sides: where |z| is large, the slope is nearly
# 0, and the unit is called **saturated**. relu and its kin are flat on the *left* only.
#
# ## Slopes multiply
#
# On the way back the error passes through one slope per layer: dZ[l−1] = (dZ[l] W[l]) ∗
# g'(Z[l−1]).
#
# **Think first:** the slope of the sigmoid is at most 0.25. A network has ten sigmoid layers. By
# how much does the gradient shrink from the last to the first, at best, if W does not change its
# size?

# %%
print(f"0.25 to the power of 9 is {0.25**9:.1e}")
X, Y = rng.normal(size=(64, 20)), rng.integers(2, size=64)
print("size of ∂J/∂Z in layer 1 over that in layer 10:")
for name in ("sigmoid", "tanh", "relu", "gelu"):
    net = bp.Network([20] * 11 + [1], hidden=name, seed=0, dtype="float64", backend="numpy")
    trace = net.forward(X)
    net.backward(trace, Y)
    sizes = [float(np.sqrt(np.mean(trace.dZ[l] ** 2))) for l in (1, 10)]
    print(f"  {name:8} {sizes[0] / sizes[1]:8.1e}")

# %% [markdown]
# With sigmoid the first layers learn nothing: the gradient *vanishes*. This is why hidden layers
# are tanh (slope 1 in the middle) or relu (slope exactly 1 on the right), and the sigmoid stands
# only at the output, where the loss cancels its slope (lesson 2).
#
# ## Dead units
#
# A relu unit whose z is negative for *every* example has the slope 0 everywhere. Nothing reaches
# its weights, so they do not change, so z stays negative: the unit is **dead** and never comes
# back. A step that was too long can do it. Let us push half of the units there, by their biases,
# and train.

# %%
data = bp.datasets.moons(200, seed=0)
for name in ("relu", "leaky_relu", "gelu"):
    net = bp.Network([2, 8, 1], hidden=name, seed=1, backend="numpy")
    net.b[1][:4] = -3.0
    before = net.W[1].copy()
    bp.fit(net, data.X, data.Y, epochs=100, optimizer=bp.Adam(1e-2), progress=False)
    moved = np.abs(net.W[1] - before).sum(axis=1)
    accuracy = np.mean((net.predict(data.X.tolist())[:, 0] > 0.5) == data.Y)
    print(f"{name:11} units that moved: {int(np.sum(moved > 1e-6))} of 8, accuracy {accuracy:.3f}")

# %% [markdown]
# leaky_relu has a slope of 0.01 on the left, gelu is not quite flat there: such units come back.
#
# Nobody watches units by hand. A callback does, and says in plain words what is wrong:

# %%
net = bp.Network([2, 8, 1], hidden="relu", seed=1, backend="numpy")
net.b[1][:4] = -3.0
statistics = bp.LayerStatistics()
bp.fit(net, data.X, data.Y, epochs=5, callbacks=[statistics], progress=False)
print(textwrap.fill(" ".join(statistics.advice), 90))

# %% [markdown]
# ## Task
#
# Add an activation of your own. squareplus is a smooth relu without e:
#
#     g(z) = (z + √(z² + 4)) / 2
#
# Derive its slope on paper, and complete the second function; `xp` is the array library, `a` is
# g(z), if you can use it. Then check_gradients says whether you are right.


# %% tags=["task"]
def value(xp, z):
    return (z + xp.sqrt(z * z + 4)) / 2


def slope(xp, z, a):
    return z**0  # your line: this is 1 everywhere


# %% tags=["check"]
def check():
    squareplus = bp.Activation("squareplus", value, slope)
    net = bp.Network([2, 5, 4, 1], hidden=squareplus, seed=0, backend="numpy")
    report = bp.check_gradients(net, data.X[:20], data.Y[:20])
    if not report.passed:
        off = report.worst.backward / report.worst.difference
        return f"not yet: at {report.worst.worst} backward is {off:.2f} times the difference"
    return f"solved: largest relative error {report.max_relative_error:.1e}"


print(check())

# %% [markdown]
# ## Solution
#
# The derivative of √u is u'/(2√u), and u = z² + 4 has u' = 2z. So g'(z) = (1 + z/√(z² + 4)) / 2.
# It is between 0 and 1, and ½ at 0. Since a − z/2 = √(z² + 4)/2, it can also be had from a,
# without another root: a/(2a − z).


# %% tags=["solution"]
def slope(xp, z, a):
    return (1 + z / xp.sqrt(z * z + 4)) / 2


print(check())
