# %% [markdown]
# # 9. One example by hand, one neuron at a time
#
# Matrices hide the neurons. Here you take one example and a network of two inputs, two hidden
# units and one output, with numbers that a pocket calculator can follow, and go forward and back,
# unit by unit. Take paper: write down each value *before* you run the cell.
#
#     x1 ──┬── h1 ──┐
#          ╳        ├── a          h1, h2: tanh     a: sigmoid
#     x2 ──┴── h2 ──┘

# %%
import math

import numpy as np

import backprop_xp as bp

x1, x2, y = 1.0, 0.5, 1.0
w11, w12, b1 = 0.4, -0.2, 0.1  # into h1: from x1, from x2, bias
w21, w22, b2 = -0.3, 0.6, 0.0  # into h2
v1, v2, c = 0.7, -0.5, 0.2  # into the output: from h1, from h2, bias

# %% [markdown]
# ## Forward
#
# Each unit adds up and bends. **Write down** z of h1: w11 x1 + w12 x2 + b1.

# %%
z1 = w11 * x1 + w12 * x2 + b1
z2 = w21 * x1 + w22 * x2 + b2
h1, h2 = math.tanh(z1), math.tanh(z2)
print(f"h1: z = {z1:.3f}, tanh = {h1:.4f}")
print(f"h2: z = {z2:.3f}, tanh = {h2:.4f}")

# %% [markdown]
# h2 is exactly in the middle of its bend. What does it contribute to the output now? Nothing; but
# does that mean that it cannot learn?
#
# **Write down** z of the output, and whether a is above ½.

# %%
z = v1 * h1 + v2 * h2 + c
a = 1 / (1 + math.exp(-z))
j = -math.log(a)  # y is 1
print(f"output: z = {z:.4f}, a = {a:.4f}, j = {j:.4f}")

# %% [markdown]
# ## Backward: the output
#
# Every unit has a number, its *delta*: ∂j/∂z, how much j grows if its sum grows. For the output
# it is a − y.
#
# **Write down** its sign. Should z grow or shrink?

# %%
delta = a - y
print(f"delta of the output {delta:.4f}")

# %% [markdown]
# A weight's derivative is the delta of the unit it goes *into*, times the value that comes
# *through* it. **Write down** those of v1, v2 and c.

# %%
dv1, dv2, dc = delta * h1, delta * h2, delta * 1
print(f"∂j/∂v1 = {dv1:.4f}   ∂j/∂v2 = {dv2:.4f}   ∂j/∂c = {dc:.4f}")

# %% [markdown]
# v2 has the derivative 0, because h2 is 0: what is not there cannot be blamed.
#
# ## Backward: the hidden units
#
# The delta of a hidden unit is the delta of the unit above, times the weight between them, times
# its own slope 1 − h².
#
# **Think first:** which sign has the delta of h1, and which that of h2? (v1 > 0, v2 < 0.)

# %%
delta1 = delta * v1 * (1 - h1**2)
delta2 = delta * v2 * (1 - h2**2)
print(f"delta of h1 {delta1:.4f}   delta of h2 {delta2:.4f}")

# %% [markdown]
# h1 should grow, since it raises the output; h2 should shrink, since it lowers it. And h2 does
# learn, although it contributed nothing: its slope is 1.
#
# **Write down** the six remaining derivatives: each a delta times an input.

# %%
dw11, dw12, db1 = delta1 * x1, delta1 * x2, delta1
dw21, dw22, db2 = delta2 * x1, delta2 * x2, delta2
print(f"∂j/∂w11 = {dw11:.4f}   ∂j/∂w12 = {dw12:.4f}   ∂j/∂b1 = {db1:.4f}")
print(f"∂j/∂w21 = {dw21:.4f}   ∂j/∂w22 = {dw22:.4f}   ∂j/∂b2 = {db2:.4f}")

# %% [markdown]
# ## Is it right?
#
# Put the same numbers into a network of the library. `explain` prints every factor of the chain
# rule; find your deltas in it.

# %%
net = bp.Network([2, 2, 1], "tanh", "sigmoid", dtype="float64", backend="numpy")
net.W[1][:], net.b[1][:] = [[w11, w12], [w21, w22]], [b1, b2]
net.W[2][:], net.b[2][:] = [[v1, v2]], [c]
X, Y = np.array([[x1, x2]]), np.array([[y]])
grads = net.backward(net.forward(X), Y)
mine = [dw11, dw12, dw21, dw22, db1, db2, dv1, dv2, dc]
print("all nine derivatives agree:", np.allclose(grads.theta, mine))

# %%
explanation = str(bp.explain(net, X, Y))
part = explanation[explanation.index("∂J/∂W[1]") :]
print("\n".join(part.splitlines()[:24]))

# %% [markdown]
# ## One step
#
# U1–U4 with α = 1. **Think first:** by about how much will j fall? By α times the sum of the
# squared derivatives.

# %%
alpha = 1.0
print(f"j should fall by about {alpha * sum(d * d for d in mine):.4f}")
bp.SGD(alpha).update(net, grads)
after = float(net.cost(net.forward(X), Y))
print(f"j falls from {j:.4f} to {after:.4f}, by {j - after:.4f}")

# %% [markdown]
# A little less than predicted: on the way downhill the slope gets smaller.
#
# ## Task
#
# h1 becomes a relu unit, all other things are as before. Compute by hand, then in code, the two
# deltas and ∂j/∂w12. What is different?


# %% tags=["task"]
def by_hand():
    """delta of h1, delta of h2, ∂j/∂w12, with h1 = max(z1, 0)."""
    delta1 = 0.0
    delta2 = 0.0
    dw12 = 0.0
    return delta1, delta2, dw12


# %% tags=["check"]
def check():
    tanh = bp.Network([1, 1, 1], "tanh", backend="numpy").hidden[0]
    mixed = bp.Activation(
        "relu, tanh",
        lambda xp, z: xp.where(xp.asarray([True, False]), xp.maximum(z, 0.0), tanh.value(xp, z)),
        lambda xp, z, a: xp.where(
            xp.asarray([True, False]), xp.where(z > 0, z**0, 0 * z), tanh.slope(xp, z, a)
        ),
    )
    net = bp.Network([2, 2, 1], mixed, "sigmoid", dtype="float64", backend="numpy")
    net.W[1][:], net.b[1][:] = [[w11, w12], [w21, w22]], [b1, b2]
    net.W[2][:], net.b[2][:] = [[v1, v2]], [c]
    grads = net.backward(net.forward(X), Y)
    wanted = [*map(float, grads.b[1]), float(grads.W[1][0, 1])]
    for name, given, right in zip(("delta1", "delta2", "dw12"), by_hand(), wanted, strict=True):
        if abs(given - right) > 5e-4:
            return f"not yet: {name} is {given:.4f}; by backward it is {right:.4f}"
    return f"solved: {np.round(wanted, 4)}"


print(check())

# %% [markdown]
# ## Solution
#
# z1 is positive, so relu lets it pass as it is, with the slope 1 in place of 1 − h1². h1 is a bit
# larger, so a is too, and the output's delta is a bit smaller; that changes delta2 as well.


# %% tags=["solution"]
def by_hand():
    """delta of h1, delta of h2, ∂j/∂w12, with h1 = max(z1, 0)."""
    h1 = max(z1, 0.0)
    a = 1 / (1 + math.exp(-(v1 * h1 + v2 * h2 + c)))
    delta1 = (a - y) * v1 * 1
    delta2 = (a - y) * v2 * (1 - h2**2)
    return delta1, delta2, delta1 * x2


print(check())
