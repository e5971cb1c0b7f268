# %% [markdown]
# # 2. The chain rule with numbers
#
# `backward` is one rule of calculus, applied six times. Here you derive it on paper, one factor
# at a time, and check each factor with numbers. At the end you know where every transpose comes
# from.
#
# ## One neuron first
#
# One input x, one weight w, one bias b, one answer a, one target y:
#
#     z = w x + b          F1
#     a = σ(z)             F2
#     j = −y log a − (1 − y) log(1 − a)      J
#
# w does not touch j directly. It changes z, z changes a, a changes j. If w grows by a tiny
# amount, z grows by ∂z/∂w times that amount, a by ∂a/∂z times what z has grown, and so on. So the
# factors multiply:
#
#     ∂j/∂w = ∂j/∂a · ∂a/∂z · ∂z/∂w          the chain rule, B1

# %%
import numpy as np

x, w, b, y = 2.0, 0.3, -0.1, 1.0


def sigma(z):
    return 1 / (1 + np.exp(-z))


def cost(a, y):
    return -y * np.log(a) - (1 - y) * np.log(1 - a)


z = w * x + b
a = sigma(z)
print(f"z = {z:.4f}, a = {a:.4f}, j = {cost(a, y):.4f}")

# %% [markdown]
# Now the three factors.
#
# **∂z/∂w.** z = w x + b, so it is x (B4). And ∂z/∂b is 1 (B6).
#
# **∂a/∂z.** With a = 1/(1 + e⁻ᶻ), the rule for 1/u gives e⁻ᶻ/(1 + e⁻ᶻ)². Since e⁻ᶻ/(1 + e⁻ᶻ) = 1
# − a, this is a(1 − a) (B2): the slope of the sigmoid, from its own value.
#
# **∂j/∂a.** The derivative of −y log a is −y/a; that of −(1 − y) log(1 − a) is +(1 − y)/(1 − a),
# because the inner derivative −1 turns the sign. Together, on one denominator: (a − y)/(a(1 − a))
# (B3).
#
# **Think first:** y is 1 and a is below 1. Which sign has ∂j/∂a? Which has ∂j/∂w?

# %%
dj_da = -y / a + (1 - y) / (1 - a)
da_dz = a * (1 - a)
dz_dw = x
h = 1e-6
print("            formula    by trying")
print(f"∂j/∂a     {dj_da:9.5f}    {(cost(a + h, y) - cost(a - h, y)) / (2 * h):9.5f}")
print(f"∂a/∂z     {da_dz:9.5f}    {(sigma(z + h) - sigma(z - h)) / (2 * h):9.5f}")
print(f"∂z/∂w     {dz_dw:9.5f}    {(((w + h) * x + b) - ((w - h) * x + b)) / (2 * h):9.5f}")
whole = (cost(sigma((w + h) * x + b), y) - cost(sigma((w - h) * x + b), y)) / (2 * h)
print(f"product   {dj_da * da_dz * dz_dw:9.5f}    {whole:9.5f}")

# %% [markdown]
# Look at the product of the first two factors: the denominator a(1 − a) of B3 is the slope B2, so
# they cancel. What is left is the error:
#
#     ∂j/∂z = a − y            B2·B3
#     ∂j/∂w = (a − y) x        B5
#     ∂j/∂b = (a − y)          B6
#
# A weight is blamed by *how wrong the answer was* times *how much its input shouted*.

# %%
print(f"a − y = {a - y:.6f}, and ∂j/∂a · ∂a/∂z = {dj_da * da_dz:.6f}")

# %% [markdown]
# ## A hidden layer
#
# Put a layer in front: x is no longer the data, but the value a1 of a hidden unit. The chain gets
# longer: w1 changes z1, which changes a1, which changes z2 … So to go on, we need one more
# factor, how z2 changes with a1. As z2 = w2 a1 + b2, that is w2:
#
#     ∂j/∂w1 = ∂j/∂z2 · ∂z2/∂a1 · ∂a1/∂z1 · ∂z1/∂w1  =  (a2 − y) · w2 · g'(z1) · x         B7
#
# Read it from the left: the error, through the weight it came by, through the slope of the bend,
# to the input. This is why it is called *back*-propagation.
#
# ## From numbers to matrices
#
# Now n0 inputs, n1 hidden units, m examples. A1 is (m, n1) and dZ2, the errors, is (m, n2). What
# shape must ∂J/∂W2 have? That of W2, (n2, n1): one number for each weight. Weight W2[k, j] leads
# from hidden unit j to output k. In example i it is blamed by dZ2[i, k] · A1[i, j], the same
# product as above. J is a mean over the examples, so the blames add up (the 1/m is already in
# dZ2):
#
#     dW2[k, j] = Σᵢ dZ2[i, k] A1[i, j]
#
# A sum over the *first* index of both. A matrix product sums over the last index of the left
# factor and the first of the right one. So the left one must be turned:
#
#            m                 n1               n1
#        ┌───────┐          ┌──────┐         ┌──────┐
#     n2 │ dZ2ᵀ  │   @    m │  A1  │  =   n2 │ dW2  │          dW2 = dZ2ᵀ A1     B5
#        └───────┘          │      │         └──────┘
#                           └──────┘
#
# **Think first:** dA1, the blame of the hidden units, is (m, n1). Unit j of example i is blamed
# by all outputs k, through the weights W2[k, j]. Is it dZ2 @ W2, dZ2 @ W2ᵀ or W2 @ dZ2?

# %%
from backprop_xp.textbook import Textbook

m, n0, n1, n2 = 5, 3, 4, 2
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(m, n0)), rng.integers(2, size=(m, n2)).astype(float)
net = Textbook((n0, n1, n2))
A1, A2 = net.forward(X)
dZ2 = (A2 - Y) / m

by_loops = np.zeros((n2, n1))
for i in range(m):
    for k in range(n2):
        for j in range(n1):
            by_loops[k, j] += dZ2[i, k] * A1[i, j]
print("dW2 by three loops and as dZ2ᵀ A1 agree:", np.allclose(by_loops, dZ2.T @ A1))

dA1 = dZ2 @ net.W2
print(f"dA1 = dZ2 @ W2: {dZ2.shape} @ {net.W2.shape} = {dA1.shape}, the shape of A1")

# %% [markdown]
# The sum over k is over the last index of dZ2 and the first of W2: nothing has to be turned. Then
# the slope, entry by entry (each unit bends its own sum, so it is ∗ and not @), and the same step
# once more:
#
#     dZ1 = dA1 ∗ g'(Z1)          (m, n1)
#     dW1 = dZ1ᵀ X                (n1, n0) = (n1, m) @ (m, n0)          B7
#     db1 = Σᵢ dZ1ᵢ               (n1,)                                 B8

# %%
dZ1 = dA1 * (1 - A1**2)
mine = (dZ1.T @ X, dZ1.sum(axis=0), dZ2.T @ A1, dZ2.sum(axis=0))
theirs = net.backward(X, A1, A2, Y)
names = ("dW1", "db1", "dW2", "db2")
for name, this, that in zip(names, mine, theirs, strict=True):
    print(f"{name}  {this.shape!s:7}  as in the textbook: {np.allclose(this, that)}")

# %% [markdown]
# ## Columns and rows
#
# The article writes examples as columns: Z = W X + b, with X of the shape (n0, m). Transpose both
# sides, and the factors change places: Zᵀ = Xᵀ Wᵀ + bᵀ. That is F1 with examples as rows. W
# itself is the same matrix in both, and so is its gradient: (dZ2ᵀ)ᵀ turns up as dZ2 A1ᵀ in
# columns and as dZ2ᵀ A1 in rows.

# %%
columns_Z1 = net.W1 @ X.T + net.b1[:, None]
rows_Z1 = X @ net.W1.T + net.b1
print("Z1 in columns is Z1 in rows, transposed:", np.allclose(columns_Z1.T, rows_Z1))
in_columns, A1_in_columns = dZ2.T, A1.T
print("dW2 is the same:", np.allclose(in_columns @ A1_in_columns.T, dZ2.T @ A1))

# %% [markdown]
# ## The update
#
# The gradient points to where J grows fastest. So each parameter takes a step the other way,
# U1–U4: w = w − α ∂J/∂w. How much should J fall? To first order by α times the sum of all squared
# derivatives.

# %%
J, alpha = net.cost(A2, Y), 0.01
squares = sum(float(np.sum(part**2)) for part in theirs)
net.update(theirs, alpha)
print(f"J should fall by {alpha * squares:.6f}")
print(f"J has fallen by  {J - net.cost(net.forward(X)[1], Y):.6f}")

# %% [markdown]
# ## A page to touch
#
# The next cell writes a page for your browser: a small network on exclusive or. Step through its
# equations, rest the mouse on any entry to see the row and the column that made it, change a
# weight, and see J and all gradients follow.

# %%
import backprop_xp as bp

corners, answers = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
small = bp.Network([2, 3, 1], "tanh", "sigmoid", seed=0, backend="numpy")
bp.explain(small, corners, answers, learning_rate=0.5).to_html("lesson-2-page.html")
print("The page is in lesson-2-page.html.")

# %% [markdown]
# The same with your own network and your own numbers: `bp.explain(net, X, Y).to_html(path)`, or
# as text `print(bp.explain(net, X, Y))`. On the command line: `python -m backprop_xp explain`,
# with `--html page.html` for the page.
#
# ## Task
#
# Derive one factor yourself. Replace the sigmoid at the output by the *square loss on z itself*,
# a regression:
#
#     a = z,     j = ½ (a − y)²
#
# What are ∂j/∂a, ∂a/∂z and their product? Complete the function: it gets A2 and Y, both (m, n2),
# and returns dZ2 for J = (1/m) Σ j.


# %% tags=["task"]
def output_gradient(A2, Y):
    dJ_dA2 = 0 * A2  # your line
    dA2_dZ2 = 0 * A2  # your line
    return dJ_dA2 * dA2_dZ2


# %% tags=["check"]
def check():
    Z = np.random.default_rng(1).normal(size=(6, 2))
    Y = np.random.default_rng(2).normal(size=(6, 2))
    given, h = output_gradient(Z, Y), 1e-6
    if given.shape != Z.shape:
        return f"not yet: the shape is {given.shape}, that of Z2 is {Z.shape}"
    for index in np.ndindex(*Z.shape):
        up, down = Z.copy(), Z.copy()
        up[index] += h
        down[index] -= h
        J = [0.5 * np.sum((A - Y) ** 2) / len(Y) for A in (up, down)]
        wanted = (J[0] - J[1]) / (2 * h)
        if abs(given[index] - wanted) > 1e-6:
            where = list(map(int, index))
            return f"not yet: dZ2{where} is {given[index]:.4f}, by trying {wanted:.4f}"
    return "solved: all differences agree"


print(check())

# %% [markdown]
# ## Solution
#
# ∂j/∂a = a − y, with 1/m for the mean; ∂a/∂z = 1. The product is (A2 − Y)/m: the same as for the
# sigmoid with cross-entropy! That is no accident: such pairs of output and loss are called
# matched (lesson 6).


# %% tags=["solution"]
def output_gradient(A2, Y):
    dJ_dA2 = (A2 - Y) / Y.shape[0]
    dA2_dZ2 = 1 + 0 * A2
    return dJ_dA2 * dA2_dZ2


print(check())
