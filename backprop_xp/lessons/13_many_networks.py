# %% [markdown]
# # 13. Many networks at once
#
# A small network does not fill a computer: most of the time goes into calling NumPy, not into
# computing. So train hundreds of them in one pass. This answers questions that one network
# cannot: does it depend on the seed? Which learning rate is best? How sure is the answer?
#
# ## One more axis
#
# All formulas work on the last two axes. Put an axis in front of each, and every line of lesson 2
# trains a *stack* of networks.
#
# **Think first:** W[1] of one network is (2, 2). Which shape has it for 100 members? Which shapes
# have Z[1] and J, if all see the same four examples?

# %%
import time

import numpy as np

import backprop_xp as bp

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0, 1, 1, 0])
nets = bp.Network([2, 2, 1], "tanh", "sigmoid", seed=0, members=100, backend="numpy")
trace = nets.forward(X)
print("W[1]", nets.W[1].shape, "  Z[1]", trace.Z[1].shape, "  J", nets.cost(trace, Y).shape)
print("θ", nets.theta.shape, "  seeds", nets.seeds[:5], "…")

# %% [markdown]
# Member k is exactly the network that you would get from the seed k alone. In lesson 1 you
# trained exclusive or with two hidden units from ten seeds, one after the other. Now from a
# hundred.
#
# **Think first:** how many of the hundred will have learned it? About how much longer will it
# take than one?


# %%
def timed(net, **options):
    start = time.perf_counter()
    history = bp.fit(net, X, Y, epochs=1000, batch_size=4, progress=False, **options)
    return history, time.perf_counter() - start


_, one = timed(
    bp.Network([2, 2, 1], "tanh", "sigmoid", seed=0, backend="numpy"), optimizer=bp.SGD(1.0)
)
history, all_of_them = timed(nets, optimizer=bp.SGD(1.0))
last = np.array(history.loss[-1])
print(
    f"one network {one:.2f} s, a hundred {all_of_them:.2f} s: {all_of_them / one:.1f} times as long"
)
print(f"learned (J < 0.05): {np.sum(last < 0.05)} of 100")
stuck = last[last >= 0.05]
values, counts = np.unique(np.round(stuck, 2), return_counts=True)
print("J of those that are stuck:", dict(zip(values.tolist(), counts.tolist(), strict=True)))

# %% [markdown]
# Those that fail do not fail anywhere, but at very few values of J. These are dead ends, flat
# places that are no bottom. **Think first:** what is J if two examples are right, and the two
# others get one half? And if one is right, and the three others get their mean?


# %%
def doubt(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


print(f"two right, two with 1/2:   J = 2/4 · {doubt(1 / 2):.3f} = {doubt(1 / 2) / 2:.3f}")
print(f"one right, three with 1/3: J = 3/4 · {doubt(1 / 3):.3f} = {doubt(1 / 3) * 3 / 4:.3f}")

# %% [markdown]
# ## A question for each member
#
# `seed=`, `l2=`, and the optimizer's `learning_rate=` may be lists. Here are 30 learning rates on
# the moons.

# %%
from backprop_xp.lessons import drawing

moons = bp.datasets.moons(200, seed=0)
rates = np.geomspace(1e-3, 30, 30)
nets = bp.Network([2, 16, 1], "tanh", "sigmoid", seed=[0] * 30, members=30, backend="numpy")
history = bp.fit(
    nets, moons.X, moons.Y, epochs=30, optimizer=bp.SGD(rates.tolist()), seed=0, progress=False
)
loss = np.array(history.loss)
curves = {f"epoch {epoch}": loss[epoch - 1] for epoch in (1, 5, 30)}
panels = {"J for each learning rate": (np.log10(rates), curves)}
drawing.lines("lesson-13-rates", panels, x="log₁₀ α", log=True)
best = int(np.nanargmin(loss[-1]))
print(f"best learning rate {rates[best]:.3g}: J = {loss[-1, best]:.4f}")
print(f"J at {rates[0]:.3g}: {loss[-1, 0]:.4f}   J at {rates[-1]:.3g}: {loss[-1, -1]:.4f}")

# %% [markdown]
# Too small, just right, too large: lesson 8 in one picture.
#
# ## How sure is the answer?
#
# One network says 0.98, and another from the next seed 0.6: then nobody should be sure. The mean
# of many is an **ensemble**, and their spread tells where they disagree.
#
# **Think first:** where will they agree: in the middle of a moon, between the moons, or far away
# from both?

# %%
nets = bp.Network([2, 16, 1], "tanh", "sigmoid", seed=0, members=50, backend="numpy")
bp.fit(nets, moons.X, moons.Y, epochs=60, optimizer=bp.Adam(1e-2), progress=False)
places = {
    "in the upper moon": [0.0, 1.0],
    "in the lower moon": [1.0, -0.5],
    "between them": [0.5, 0.25],
    "far to the left": [-6.0, 3.0],
    "far below": [0.5, -6.0],
}
mean, spread = nets.predict(list(places.values()), reduce="mean")
for place, m, s in zip(places, mean[:, 0], spread[:, 0], strict=True):
    print(f"{place:18} probability of 'lower' {m:.3f} ± {s:.3f}")
single = [np.mean((A[:, 0] > 0.5) == moons.Y) for A in nets.predict(moons.X.tolist())]
together = np.mean((nets.predict(moons.X.tolist(), reduce="mean")[0][:, 0] > 0.5) == moons.Y)
print(f"accuracy of the members {np.mean(single):.3f} on average, of the ensemble {together:.3f}")

# %% [markdown]
# They doubt between the moons. Far away they agree, and are quite sure, though no example was
# ever there: the border just goes on in a straight line. *Agreement is not knowledge*: networks
# of one kind, trained on the same rows, share their prejudices.
#
# ## Choosing settings
#
# `bp.search` does it properly: each setting is trained on all but one of k folds, and judged on
# the one that is left out. All settings and folds are one population.

# %%
table = bp.search(
    [2, 16, 1],
    moons.X,
    moons.Y,
    learning_rate=[1e-3, 1e-2, 1e-1],
    l2=[0.0, 1e-3],
    epochs=40,
    seed=0,
    progress=False,
    backend="numpy",
)
print(table)
print("best:", {name: table.best[name] for name in ("learning_rate", "l2")})

# %% [markdown]
# ## Task
#
# Does a larger learning rate help against dead ends? Train exclusive or, 2-2-1, with SGD for each
# of some rates and each of some seeds, all in *one* call of `bp.fit`, 1000 epochs of batch size
# 4, and return the last J of each: an array (len(rates), len(seeds)). `np.repeat` and `np.tile`
# make the two lists, one entry for each member.


# %% tags=["task"]
def last_losses(rates, seeds):
    return np.ones((len(rates), len(seeds)))  # your lines


# %% tags=["check"]
def check():
    rates, seeds = [0.1, 1.0], [3, 4, 5]
    given = np.array(last_losses(rates, seeds))
    if given.shape != (2, 3):
        return f"not yet: the shape is {given.shape}; two rates and three seeds make (2, 3)"
    for i, k in ((0, 2), (1, 0)):
        net = bp.Network([2, 2, 1], "tanh", "sigmoid", seed=seeds[k], backend="numpy")
        wanted = timed(net, optimizer=bp.SGD(rates[i]))[0].loss[-1]
        if not np.isclose(given[i, k], wanted, rtol=1e-4):
            where = f"rate {rates[i]} and seed {seeds[k]}"
            return f"not yet: for {where} it is {given[i, k]:.4f}, alone it is {wanted:.4f}"
    rates = [0.1, 0.3, 1.0, 3.0]
    learned = (last_losses(rates, list(range(50))) < 0.05).sum(axis=1)
    return "solved: of 50 seeds learn " + ", ".join(
        f"{n} with α = {rate}" for rate, n in zip(rates, learned.tolist(), strict=True)
    )


print(check())

# %% [markdown]
# ## Solution
#
# Member i · len(seeds) + k has rate i and seed k; so the rates are repeated and the seeds tiled,
# and `reshape` brings the result into its form.


# %% tags=["solution"]
def last_losses(rates, seeds):
    member_rates = np.repeat(rates, len(seeds)).tolist()
    member_seeds = np.tile(seeds, len(rates)).tolist()
    options = {"seed": member_seeds, "members": len(member_seeds), "backend": "numpy"}
    nets = bp.Network([2, 2, 1], "tanh", "sigmoid", **options)
    history, _ = timed(nets, optimizer=bp.SGD(member_rates))
    return np.reshape(history.loss[-1], (len(rates), len(seeds)))


print(check())
