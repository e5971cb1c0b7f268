# %% [markdown]
# # 3. The six slips of the article
#
# The article that this library follows derives backpropagation well, and prints six things
# wrongly. So do most texts and most first programs. You find such slips with three tools that
# need no trust in anybody: *shapes*, *a number tried out*, and *an end result that must follow*.
# Here you use all three.
#
# ## Tool 1: count
#
# Slip 1. The article says its network has "two hidden layers (including the output layer)". Its
# equations:
#
#     Z1 = W1 X + b1,   A1 = g(Z1),   Z2 = W2 A1 + b2,   A2 = σ(Z2)
#
# **Think first:** how many W are there? How many A are neither input nor output?

# %%
import numpy as np

import backprop_xp as bp

net = bp.Network([3, 4, 1], hidden="tanh", output="sigmoid", backend="numpy")
print("the article's W:", [tuple(W.shape) for W in net.W], "and one hidden layer:", len(net.hidden))
printed = bp.Network([3, 4, 4, 1], hidden="tanh", output="sigmoid", backend="numpy")
print("two hidden layers would have a third:", [tuple(W.shape) for W in printed.W])

# %% [markdown]
# An output layer is not hidden: one hidden layer and one output layer.
#
# ## Tool 2: try it out
#
# Slip 2. Printed is "∂J/∂A2 = A2 (1 − A2)". The right side looks familiar from lesson 2. The
# question is what it is the derivative *of*. Change A2 by a little, and see what J does; change
# Z2, and see what A2 does.

# %%
a, y, h = 0.8, 1.0, 1e-6
z = np.log(a / (1 - a))


def sigma(z):
    return 1 / (1 + np.exp(-z))


def cost(a, y):
    return -y * np.log(a) - (1 - y) * np.log(1 - a)


print(f"printed       a(1 − a) = {a * (1 - a):8.4f}")
print(f"by trying     ∂j/∂a    = {(cost(a + h, y) - cost(a - h, y)) / (2 * h):8.4f}")
print(f"by trying     ∂a/∂z    = {(sigma(z + h) - sigma(z - h)) / (2 * h):8.4f}")

# %% [markdown]
# The left side must be ∂A2/∂Z2 (B2).
#
# Slip 3. On the way to B3 the article prints
#
#     ∂J/∂A2 = −Y/A2 − (1 − Y)/(1 − A2) = (A2 − Y)/(A2 (1 − A2))
#
# **Think first:** put y = 0 and a = 0.5 into the middle and into the end. Do they agree?

# %%
for a, y in ((0.5, 0.0), (0.8, 1.0)):
    middle = -y / a - (1 - y) / (1 - a)
    end = (a - y) / (a * (1 - a))
    tried = (cost(a + h, y) - cost(a - h, y)) / (2 * h)
    print(f"a = {a}, y = {y:.0f}: middle {middle:8.4f}, end {end:8.4f}, by trying {tried:8.4f}")

# %% [markdown]
# For y = 1 nobody notices: the wrong part is multiplied by 0. *Test a formula with numbers that
# make every part count.* The sign must be a plus: the derivative of log(1 − a) brings a second
# minus.
#
# ## Tool 3: what must follow
#
# Slips 4 and 5. For the bias the article prints, in short:
#
#     ∂A/∂b2 = ∂J/∂A2 · ∂A2/∂Z2 · ∂Z2/∂b2          (4)
#     ∂Z2/∂W2 = A2 − Y                              (5)
#
# In (4), read the chain on the right like fractions: everything cancels but ∂J and ∂b2. So the
# left side must be ∂J/∂b2. In (5), Z2 = W2 A1 + b2 is linear in W2, so its derivative is A1; it
# cannot know Y at all. Numbers agree:

# %%
rng = np.random.default_rng(1)
X, Y = rng.normal(size=(1, 3)), np.array([[1.0]])
one = bp.Network([3, 4, 1], "tanh", "sigmoid", dtype="float64", backend="numpy")
trace = one.forward(X)
A2 = float(trace.A[2][0, 0])
grads = one.backward(trace, Y)
print(f"A2 − Y       = {A2 - 1.0:.6f}")
print(f"∂J/∂b2       = {float(grads.b[2][0]):.6f}")
print(f"A2 (1 − A2)  = {A2 * (1 - A2):.6f}, which is ∂A2/∂b2")
print(f"∂Z2/∂W2 = A1 has even another shape: {trace.A[1].shape}, and A2 − Y is (1, 1)")

# %% [markdown]
# Both must read ∂J/∂b2 = A2 − Y (B6).
#
# ## Tool 1 again: shapes
#
# Slip 6 is the most common mistake of all. B5, B7 and B8 are printed as
#
#     ∂J/∂W2 = (A2 − Y) · A1
#     ∂J/∂W1 = ((A2 − Y) W2 ∗ g'(Z1)) · X
#
# with examples as columns: X is (3, 1), A1 is (4, 1), A2 − Y is (1, 1), W2 is (1, 4).
#
# **Think first:** which of these products exist? Which shape must ∂J/∂W2 have?

# %%
X_col, A1_col, dZ2 = X.T, np.asarray(trace.A[1]).T, np.array([[A2 - 1.0]])
W2 = np.asarray(one.W[2])
for text, left, right in (
    ("(A2 − Y) A1", dZ2, A1_col),
    ("(A2 − Y) A1ᵀ", dZ2, A1_col.T),
    ("W2ᵀ (A2 − Y)", W2.T, dZ2),
):
    shapes = f"{text:14} {left.shape} @ {right.shape}"
    print(shapes, "->", (left @ right).shape if left.shape[1] == right.shape[0] else "no product")
slope = 1 - A1_col**2
print("((A2 − Y) W2) ∗ g'(Z1):", ((dZ2 @ W2) * slope).shape, "  NumPy does not complain!")
print("(W2ᵀ (A2 − Y)) ∗ g'(Z1):", ((W2.T @ dZ2) * slope).shape)

# %% [markdown]
# The line where NumPy does not complain is the dangerous one. A row (1, 4) times a column (4, 1)
# should be an error, but NumPy stretches both to (4, 4) and goes on: a program that runs and
# learns nothing. *Write the shape beside every line.* With transposes the shapes leave only one
# order of the factors:
#
#     ∂J/∂W2 = (A2 − Y) A1ᵀ                         (1, 4)
#     ∂J/∂W1 = (W2ᵀ (A2 − Y) ∗ g'(Z1)) Xᵀ           (4, 3)

# %%
dW2 = dZ2 @ A1_col.T
dW1 = ((W2.T @ dZ2) * slope) @ X_col.T
print(
    "∂J/∂W2 right:", np.allclose(dW2, grads.W[2]), "  ∂J/∂W1 right:", np.allclose(dW1, grads.W[1])
)

# %% [markdown]
# ## Task
#
# A colleague has written `backward` for examples as *rows*, from the article. NumPy runs it,
# because m = n1 = n2: all matrices are square. It has three slips. Find them: by shapes (think of
# m, n1, n2 as different), and by what you know of B3 and B6.


# %% tags=["task"]
def backward(X, A1, A2, Y, W2):
    m = len(Y)
    dJ_dA2 = (-Y / A2 - (1 - Y) / (1 - A2)) / m
    dZ2 = dJ_dA2 * A2 * (1 - A2)
    dW2 = dZ2 @ A1
    db2 = dZ2.sum(axis=0)
    dZ1 = (dZ2 @ W2) * (1 - A1**2)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=1)
    return dW1, db1, dW2, db2


# %% tags=["check"]
def check():
    from backprop_xp.textbook import Textbook

    rng = np.random.default_rng(0)
    for sizes in ((3, 3, 3), (2, 4, 1)):
        net = Textbook(sizes)
        X, Y = rng.normal(size=(3, sizes[0])), rng.integers(2, size=(3, sizes[2])).astype(float)
        A1, A2 = net.forward(X)
        wanted = net.backward(X, A1, A2, Y)
        try:
            given = backward(X, A1, A2, Y, net.W2)
        except ValueError as problem:
            return f"not yet: with sizes {sizes} the shapes do not fit: {problem}"
        right = {
            name: mine.shape == theirs.shape and np.allclose(mine, theirs)
            for name, mine, theirs in zip(("dW1", "db1", "dW2", "db2"), given, wanted, strict=True)
        }
        if not all(right.values()):
            wrong = ", ".join(name for name in right if not right[name])
            return f"not yet: with sizes {sizes} these are wrong: {wrong}"
    return "solved: all four are right, for square and for other shapes"


print(check())

# %% [markdown]
# ## Solution
#
# The sign in B3 (slip 3) spoils all four. dW2 needs dZ2ᵀ: the sum is over the examples (slip 6).
# And db1 must be summed over the examples too, which are axis 0; summed over axis 1 it has m
# entries in place of n1.


# %% tags=["solution"]
def backward(X, A1, A2, Y, W2):
    m = len(Y)
    dJ_dA2 = (-Y / A2 + (1 - Y) / (1 - A2)) / m  # plus
    dZ2 = dJ_dA2 * A2 * (1 - A2)
    dW2 = dZ2.T @ A1  # (n2, n1) = (n2, m) @ (m, n1)
    db2 = dZ2.sum(axis=0)
    dZ1 = (dZ2 @ W2) * (1 - A1**2)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)  # over the examples
    return dW1, db1, dW2, db2


print(check())
