# %% [markdown]
# # 1. The textbook network on exclusive or
#
# A network is a function with numbers in it, the weights. Training changes the weights, a little
# at a time, so that the function gives the answers we want. In this lesson you run all of it,
# once by hand and then in a loop. You need NumPy and the idea of a derivative; everything else
# comes in lesson 2.
#
# The problem is "exclusive or": two inputs, each 0 or 1; the answer is 1 if exactly one of them
# is 1. It is the smallest problem that needs a hidden layer: draw the four points on paper, and
# try to separate the two answers with one straight line.

# %%
import numpy as np

from backprop_xp.textbook import Textbook

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # examples are rows
Y = np.array([[0.0], [1.0], [1.0], [0.0]])

net = Textbook((2, 4, 1), seed=0)  # 2 inputs, 4 hidden units, 1 output
for name in ("W1", "b1", "W2", "b2"):
    print(name, getattr(net, name).shape)

# %% [markdown]
# ## Forward
#
# The way forward is four lines:
#
#     F1   Z1 = X W1ᵀ + b1         every hidden unit adds up its inputs, each times a weight
#     F2   A1 = tanh(Z1)           and bends the sum
#     F3   Z2 = A1 W2ᵀ + b2        the output unit adds up the hidden units
#     F4   A2 = σ(Z2)              and the sigmoid squeezes the sum between 0 and 1: a probability
#
# **Think first:** X is (4, 2). What are the shapes of A1 and A2?

# %%
A1, A2 = net.forward(X)
print("A1", A1.shape, " A2", A2.shape)
for x, y, a in zip(X, Y, A2, strict=True):
    print(f"{x} -> {a[0]:.3f}, should be {y[0]:.0f}")

# %% [markdown]
# Each example keeps its row all the way: four examples in, four answers out. The answers are
# useless, because the weights are random (I0). How useless, says the cost:
#
#     J = mean of  −Y log A2 − (1 − Y) log(1 − A2)
#
# Where Y is 1, only the first part counts: it is 0 if A2 is 1, and grows without end as A2 goes
# to 0. Where Y is 0, it is the other way round.
#
# **Think first:** what is J if the network says 0.5 to everything?

# %%
print(f"J of this network        {net.cost(A2, Y):.4f}")
print(f"J of 0.5 for everything  {net.cost(0.5 + 0 * A2, Y):.4f}  (log 2 = {np.log(2):.4f})")

# %% [markdown]
# ## Backward
#
# Which weight should change, in which direction? The derivative ∂J/∂w says how much J grows if w
# grows by a little. `backward` finds it for all weights at once (lesson 2 shows how). You need
# not believe it: change one weight by a tiny h, and look at what J does.

# %%
dW1, db1, dW2, db2 = net.backward(X, A1, A2, Y)
h = 1e-6
before = net.cost(net.forward(X)[1], Y)
net.W2[0, 0] += h
after = net.cost(net.forward(X)[1], Y)
net.W2[0, 0] -= h
print(f"backward says ∂J/∂W2[0, 0] = {dW2[0, 0]:.6f}")
print(f"trying it gives              {(after - before) / h:.6f}")

# %% [markdown]
# ## Update
#
# If the derivative is positive, J grows with w, so w must shrink; if it is negative, w must grow.
# Both are
#
#     U1–U4   w = w − α ∂J/∂w
#
# for every w at once. α, the learning rate, is the length of the step.
#
# **Think first:** J is about to be computed after one step with a small α, and with a huge one.
# Is it smaller than before in both cases?

# %%
for alpha in (0.5, 50.0):
    trial = Textbook((2, 4, 1), seed=0)
    trial.update((dW1, db1, dW2, db2), alpha)
    print(f"α = {alpha:4}: J goes from {before:.4f} to {trial.cost(trial.forward(X)[1], Y):.4f}")

# %% [markdown]
# The derivative tells the truth only nearby: a step that is too long jumps over the valley.
#
# ## The loop
#
# Forward, cost, backward, update: this is an epoch. Training is many of them.

# %%
costs = net.train(X, Y, epochs=2000, alpha=1.0)
for epoch in (0, 10, 100, 500, 1999):
    print(f"epoch {epoch:4}: J = {costs[epoch]:.4f}")
for x, y, a in zip(X, Y, net.forward(X)[1], strict=True):
    print(f"{x} -> {a[0]:.3f}, should be {y[0]:.0f}")

# %% [markdown]
# That is all there is. Read the file now, it takes five minutes: `python -m backprop_xp
# textbook`. The library does the same for any number of layers, and faster:

# %%
import backprop_xp as bp

fast = bp.Network([2, 4, 1], "tanh", "sigmoid", seed=0, dtype="float64", backend="numpy")
history = bp.fit(fast, X, Y, epochs=2000, batch_size=4, optimizer=bp.SGD(1.0), progress=False)
print(f"last J: textbook {costs[-1]:.12f}, library {history.loss[-1]:.12f}")

# %% [markdown]
# With two inputs the whole function can be drawn: the answer at every point of the plane.
#
# **Think first:** one straight border cannot part the corners. What will the border look like?

# %%
from backprop_xp.lessons import drawing

drawing.boundary("lesson-1-border", fast, X, Y)

# %% [markdown]
# ## Task
#
# How few hidden units can learn exclusive or? And do they always? Train the textbook network with
# n1 = 1 … 4 hidden units from the seeds 0 … 9, with epochs=2000 and alpha=1, and count for each
# n1 how many of the ten networks end with J below 0.05. Write the counts into `learned`.

# %% tags=["task"]
learned = {1: 0, 2: 0, 3: 0, 4: 0}  # n1: how many of ten seeds have learned it


# %% tags=["check"]
def check():
    if learned[1] != 0:
        return "not yet: one hidden unit makes one straight border, which cannot do it"
    if not 0 < learned[2] < 10:
        return "not yet: with two units it depends on the seed"
    if not learned[2] <= learned[3] <= learned[4] == 10:
        return "not yet: more units help; of the networks with four, all ten learn it"
    return f"solved: {learned}"


print(check())

# %% [markdown]
# ## Solution
#
# One unit cannot: its border is one straight line. Two can, if they start well; otherwise they
# end in a dead end, where every small change makes J worse. More units are more chances: this is
# one reason why networks in use are larger than they would have to be.

# %% tags=["solution"]
for n1 in learned:
    last = [Textbook((2, n1, 1), seed).train(X, Y, 2000, 1.0)[-1] for seed in range(10)]
    learned[n1] = sum(J < 0.05 for J in last)

print(check())
