# %% [markdown]
# # 7. From gradient descent to Adam
#
# The gradient says where uphill is. How long should the step be, and may a step remember earlier
# ones? Here you walk across a surface of two parameters that you can look at, with each of the
# library's optimizers.
#
# ## A valley
#
# J(u, v) = ½ (u² + 25 v²): a valley that is 25 times as steep across as along. The bottom is at
# (0, 0).
#
# **Think first:** gradient descent takes v to v − α · 25 v = (1 − 25 α) v. For which α does v
# shrink? For which one does it jump from side to side? When does it run away?

# %%
import numpy as np

import backprop_xp as bp


def J(u, v):
    return 0.5 * (u**2 + 25 * v**2)


for alpha in (0.01, 0.03, 0.05, 0.07, 0.081):
    u, v = 4.0, 1.0
    for _ in range(40):
        u, v = u - alpha * u, v - alpha * 25 * v
    factors = f"factor of v {1 - 25 * alpha:6.3f}, of u {1 - alpha:.3f}"
    print(f"α = {alpha:5}: {factors}; J after 40: {J(u, v):9.2e}")

# %% [markdown]
# The steep direction forbids α above 2/25 = 0.08, and with such an α the flat direction creeps.
# Every network has steep and flat directions, mostly far more different than 25 to 1. All that
# follows is about this.
#
# ## Memory
#
# **Momentum** adds up gradients: velocity = μ · velocity + gradient, and the step is −α ·
# velocity. Across the valley the gradients change their sign and cancel; along it they add up.
# **Nesterov** does the same, looking one step ahead.
#
# **RMSprop** divides each parameter's gradient by the root of a running mean of its squares:
# steep directions are slowed, flat ones hurried. **Adam** has both, a running mean of gradients
# over the root of a running mean of squares, and corrects that both start at 0.
#
# A network with one linear unit and just two examples makes exactly this surface: with X = [[√2,
# 0], [0, √50]], Y = 0 and squared error, J = ½(2 w₁² + 50 w₂²)/2. So the real optimizers of the
# library can walk here.

# %%
X, Y = np.array([[2**0.5, 0.0], [0.0, 50**0.5]]), np.zeros((2, 1))


def walk(optimizer, steps=60):
    net = bp.Network([2, 1], output="identity", dtype="float64", backend="numpy")
    net.W[1][:], net.b[1][:] = [[4.0, 1.0]], 0.0
    way = [net.W[1][0].copy()]
    for _ in range(steps):
        grads = net.backward(net.forward(X), Y)
        grads.b[1] = 0 * grads.b[1]  # only two parameters move
        optimizer.update(net, grads)  # it remembers this network's means
        way.append(net.W[1][0].copy())
    return np.array(way)


optimizers = {
    "SGD(0.07)": bp.SGD(0.07),
    "Momentum(0.03)": bp.Momentum(0.03, 0.8),
    "Nesterov(0.03)": bp.Nesterov(0.03, 0.8),
    "RMSprop(0.1)": bp.RMSprop(0.1),
    "Adam(0.3)": bp.Adam(0.3),
}
ways = {name: walk(optimizer) for name, optimizer in optimizers.items()}

# %% [markdown]
# **Think first:** which of them goes straight to the bottom, and which from side to side?

# %%
from backprop_xp.lessons import drawing

drawing.surface("lesson-7-valley", J, ways, (-1.5, 4.5, -1.5, 1.5))
print("                  J after 10     20     40     60   changes of sign in v")
for name, way in ways.items():
    at = "  ".join(f"{J(*way[k]):8.1e}" for k in (10, 20, 40, 60))
    turns = int(np.sum(way[1:, 1] * way[:-1, 1] < 0))
    print(f"{name:15} {at}   {turns}")

# %% [markdown]
# No winner for ever: on this surface Nesterov's momentum, well tuned, is hard to beat. What makes
# Adam popular is something else. Multiply J by 1000, and look again with the same settings.
#
# **Think first:** what happens to SGD? What to Adam, where the factor stands above and below the
# line?

# %%
X = X * 1000**0.5
for name in ("SGD(0.07)", "Momentum(0.03)", "RMSprop(0.1)", "Adam(0.3)"):
    with np.errstate(over="ignore", invalid="ignore"):
        way = walk(optimizers[name])
        same, end = np.allclose(way, ways[name], atol=1e-3), J(*way[-1])
    print(f"{name:15} {'walks the same way' if same else f'J after 60: {end:.1e}'}")
X = X / 1000**0.5

# %% [markdown]
# Adam and RMSprop do not care for the size of gradients, only for their signs and how steady they
# are. So one learning rate, about 10⁻³, does for most networks.
#
# ## On a real network
#
# The digits, 64-32-10, with each optimizer at a learning rate that suits it.

# %%
data = bp.datasets.digits()
X_train, Y_train, X_test, Y_test = (
    data.X[:1400] / 16,
    data.Y[:1400],
    data.X[1400:] / 16,
    data.Y[1400:],
)
curves = {}
for optimizer in (bp.SGD(0.1), bp.Momentum(0.1), bp.RMSprop(3e-3), bp.Adam(1e-2)):
    net = bp.Network([64, 32, 10], "relu", "softmax", seed=0, backend="numpy")
    history = bp.fit(net, X_train, Y_train, epochs=15, optimizer=optimizer, progress=False)
    curves[type(optimizer).__name__] = history.loss
    right = np.mean(net.predict(X_test.tolist()).argmax(axis=1) == Y_test)
    J_1, J_15 = history.loss[0], history.loss[-1]
    name = type(optimizer).__name__
    print(f"{name:9} J of epoch 1: {J_1:.3f}, of 15: {J_15:.4f}, test accuracy {right:.3f}")
drawing.lines(
    "lesson-7-digits", {"J on the digits": (np.arange(1, 16), curves)}, x="epoch", log=True
)

# %% [markdown]
# ## Task
#
# Write Adam yourself, in NumPy. For a parameter w with the gradient g, in step t = 1, 2, …:
#
#     mean   = β₁ mean + (1 − β₁) g
#     square = β₂ square + (1 − β₂) g²
#     w      = w − α · (mean / (1 − β₁ᵗ)) / (√(square / (1 − β₂ᵗ)) + ε)
#
# The function gets w, g, t and a dict `memory` that it may fill, and returns the new w.


# %% tags=["task"]
def adam(w, g, t, memory, alpha=0.3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return w - alpha * g  # gradient descent, for now


# %% tags=["check"]
def check():
    w, memory = np.array([4.0, 1.0]), {}
    wanted = walk(bp.Adam(0.3), steps=20)
    for t in range(1, 21):
        w = adam(w, w * np.array([1.0, 25.0]), t, memory)
        if not np.allclose(w, wanted[t], rtol=1e-6):
            there = np.round(wanted[t], 4)
            return f"not yet: after step {t} you are at {np.round(w, 4)}, Adam is at {there}"
    return "solved: 20 steps as the library's"


print(check())

# %% [markdown]
# ## Solution
#
# The divisions by 1 − βᵗ matter at the start: mean and square begin at 0, so without them the
# first steps would be far too short (or, since the two β differ, too long).


# %% tags=["solution"]
def adam(w, g, t, memory, alpha=0.3, beta1=0.9, beta2=0.999, epsilon=1e-8):
    memory["mean"] = beta1 * memory.get("mean", 0 * w) + (1 - beta1) * g
    memory["square"] = beta2 * memory.get("square", 0 * w) + (1 - beta2) * g**2
    mean = memory["mean"] / (1 - beta1**t)
    square = memory["square"] / (1 - beta2**t)
    return w - alpha * mean / (np.sqrt(square) + epsilon)


print(check())
