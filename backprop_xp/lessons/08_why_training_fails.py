# %% [markdown]
# # 8. Why training fails
#
# The formulas are right, the gradient is checked, and still J does not fall. Nearly always it is
# one of three: how the weights start, how long the steps are, or what the inputs look like. Here
# you break a good network in each way, and learn the signs by which you know it.
#
# ## A good run first
#
# The breast cancer data: 30 measurements of cells, benign or malignant. A helper trains and
# reports.

# %%
import textwrap

import numpy as np

import backprop_xp as bp

data = bp.datasets.breast_cancer()
raw, Y = data.X, data.Y
X = (raw - raw.mean(axis=0)) / raw.std(axis=0)


def train(X, learning_rate=0.1, change=None):
    net = bp.Network([30, 32, 32, 1], "relu", "sigmoid", seed=0, dtype="float64", backend="numpy")
    if change is not None:
        change(net)
    statistics = bp.LayerStatistics()
    options = {"epochs": 15, "batch_size": 32, "callbacks": [statistics], "progress": False}
    try:
        history = bp.fit(net, X, Y, optimizer=bp.SGD(learning_rate), **options)
        print(f"J {history.loss[0]:.4g} → {history.loss[-1]:.4g}")
    except bp.DivergenceError as problem:
        print(f"DivergenceError: {textwrap.shorten(str(problem), 90)}")
    for line in statistics.advice:
        print(textwrap.fill(line, 90, initial_indent="  ! ", subsequent_indent="    "))
    return statistics


good = train(X)

# %% [markdown]
# No advice: all is well. What would a network say that has learned nothing? J = log 2, from one
# half for everything.
#
# ## 1. How the weights start (I0)
#
# **Think first:** why not start with all weights at 0? Look at B7: ∂J/∂W1 contains the factor W2.
# And what happens if all weights are equal, but not 0?


# %%
def zeros(net):
    net.theta = 0 * net.theta


def equal(net):
    for l in (1, 2, 3):
        net.W[l] = 0.1 + 0 * net.W[l]


print("all 0:   ", end="")
train(X, change=zeros)
print("all 0.1: ", end="")
train(X, change=equal)
net = bp.Network([30, 32, 32, 1], "relu", "sigmoid", seed=0, dtype="float64", backend="numpy")
equal(net)
bp.fit(net, X, Y, epochs=15, optimizer=bp.SGD(0.1), progress=False)
print(f"different rows of W[1] after training: {len(np.unique(net.W[1].round(9), axis=0))} of 32")

# %% [markdown]
# With zeros nothing comes back: only the last bias learns. With equal weights all units of a
# layer get equal gradients and stay equal for ever: 32 units do the work of one. *Random* weights
# break the symmetry.
#
# How large? Z is a sum of n inputs times weights, so its variance is n · var(w) · mean(a²). For Z
# to keep its size from layer to layer, var(w) must be about 1/n, or 2/n for relu, which throws
# half away. These are the initializers of Glorot and of He; the library takes the one that suits
# your activation.
#
# **Think first:** ten layers of 64 tanh units. How large is A in the last one, if the weights are
# half as large as they should be? Twice as large?

# %%
for factor in (0.5, 1.0, 2.0):
    deep = bp.Network([64] * 11, "tanh", "identity", seed=0, dtype="float64", backend="numpy")
    for l in range(1, 11):
        deep.W[l] = factor * deep.W[l]
    trace = deep.forward(np.random.default_rng(0).normal(size=(200, 64)))
    slopes = [float(np.mean(1 - trace.A[l] ** 2)) for l in (1, 9)]
    sizes = [float(np.sqrt(np.mean(trace.A[l] ** 2))) for l in (1, 5, 9)]
    print(f"weights × {factor}: size of A in layers 1, 5, 9:", np.round(sizes, 4), end=", ")
    print(f"mean slope in layer 9: {slopes[1]:.3f}")

# %% [markdown]
# Too small: the signal dies out. Too large: tanh saturates, and the slope, so the gradient, dies
# out.
#
# ## 2. The learning rate
#
# **Think first:** what do you see in J if α is far too small, and if it is far too large?

# %%
for alpha in (1e-5, 0.1, 3.0, 1000.0):
    print(f"α = {alpha:7}: ", end="")
    train(X, learning_rate=alpha)

# %% [markdown]
# Too small: J falls, but hardly. Too large: J jumps and does not fall, units die; or the numbers
# explode. Find the place between them by factors of 3 or 10: *the largest α at which J still
# falls smoothly* is a good one.
#
# ## 3. The inputs
#
# The raw table has areas around 1000 and smoothness around 0.1, all in their own units.
#
# **Think first:** ∂J/∂W1 = dZ1ᵀ X. Which weights get large gradients? Is there one α that suits
# all?

# %%
print("mean area", raw[:, 3].mean().round(1), "  mean smoothness", raw[:, 4].mean().round(3))
for alpha in (0.1, 1e-4):
    print(f"raw, α = {alpha}: ", end="")
    train(raw, learning_rate=alpha)

# %% [markdown]
# The advice says it: scale the features, x → (x − mean) / deviation, with the mean and the
# deviation of the *training* rows.
#
# ## The order in which to look
#
# - Can the network learn *ten* examples by heart? If not, there is a mistake: in the gradient
#   (lesson 4), in the labels, or a step that is far too long.
# - Is J at the start what it should be? log 2 for two classes, log K for K.
# - Are the features scaled?
# - Is it too slow, or jumping? Change α by a factor of 10.
# - Look at the layers: `bp.LayerStatistics()`, its `advice`, and its picture.

# %%
ten = bp.Network([30, 32, 32, 1], "relu", "sigmoid", seed=0, backend="numpy")
from backprop_xp.lessons import drawing

drawing.layers("lesson-8-a-good-run", good)
print(f"J at the start {float(ten.cost(ten.forward(X), Y)):.3f}")
bp.fit(ten, X[:10], Y[:10], epochs=300, batch_size=10, optimizer=bp.Adam(1e-2), progress=False)
print(f"J of ten examples, by heart {float(ten.cost(ten.forward(X[:10]), Y[:10])):.6f}")

# %% [markdown]
# ## Task
#
# This run fails, for more than one reason. Repair it: change the settings, one after the other,
# until J of the last epoch is below 0.05 and there is no advice. Keep the optimizer and the 15
# epochs.


# %% tags=["task"]
def too_large(net):
    for l in (1, 2, 3):
        net.W[l] = 20 * net.W[l]


settings = {"X": raw, "learning_rate": 5.0, "change": too_large, "hidden": "sigmoid"}


# %% tags=["check"]
def check():
    net = bp.Network([30, 32, 32, 1], settings["hidden"], "sigmoid", seed=0, backend="numpy")
    if settings["change"] is not None:
        settings["change"](net)
    statistics = bp.LayerStatistics()
    options = {"epochs": 15, "batch_size": 32, "callbacks": [statistics], "progress": False}
    try:
        rate = settings["learning_rate"]
        history = bp.fit(net, settings["X"], Y, optimizer=bp.SGD(rate), **options)
    except bp.DivergenceError as problem:
        return f"not yet: {textwrap.shorten(str(problem), 90)}"
    if history.loss[-1] >= 0.05 or statistics.advice:
        advice = textwrap.shorten(" ".join(statistics.advice), 70, placeholder=" …")
        return f"not yet: J is {history.loss[-1]:.3f}. {advice}"
    return f"solved: J is {history.loss[-1]:.4f}"


print(check())

# %% [markdown]
# ## Solution
#
# Scale the inputs; leave the weights as they are drawn; take relu or tanh in hidden layers; and
# then find α. Each repair alone is not enough, which makes such a run hard to mend by trial: so
# begin from settings that are known to be good, and change one thing at a time.

# %% tags=["solution"]
settings = {"X": X, "learning_rate": 0.2, "change": None, "hidden": "relu"}

print(check())
