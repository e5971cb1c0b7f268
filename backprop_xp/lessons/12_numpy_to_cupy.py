# %% [markdown]
# # 12. From NumPy to CuPy: what changes, and what to mind
#
# CuPy is NumPy on an NVIDIA GPU. All formulas of this library are written for both at once, so
# the short answer is: nothing changes but one word. The long answer is four things to mind, and
# here they are. You need no GPU to follow; with one, the same cells use it.
#
# ## One word
#
# A **backend** is the place where arrays live. These are known; each says whether it is usable
# here, or why not:

# %%
import itertools
import textwrap

import numpy as np

import backprop_xp as bp
from backprop_xp.backends import survey

for status in survey():
    text = f"{status.name:8}{'usable: ' if status.usable else 'not usable: '}{status.detail}"
    print(textwrap.fill(text, 90, subsequent_indent=" " * 8))
usable = [status.name for status in survey() if status.usable]

# %% [markdown]
# The word is `backend=`, or the environment variable BACKEND, so that a script need not be
# touched: `BACKEND=cupy python train.py`.
#
# **Think first:** the weights are random, and the rows are shuffled. Will two backends begin from
# the same weights? Will they end with the same J?

# %%
data = bp.datasets.digits()
X, Y = data.X[:500] / 16, data.Y[:500]
for name in usable:
    net = bp.Network([64, 16, 10], "relu", "softmax", seed=0, dtype="float64", backend=name)
    first = float(net.W[1][0, 0])
    history = bp.fit(net, X, Y, epochs=2, optimizer=bp.Adam(1e-2), progress=False)
    print(f"{name:8} first weight {first:.12f}, last J {history.loss[-1]:.12f}")

# %% [markdown]
# The random numbers are always drawn by NumPy on the host, then moved: the same seed is the same
# run. Sums are added up in another order on a GPU, so the last digits may differ.
#
# ## Mind 1: two memories
#
# The GPU has its own memory, and the way there is slow. So nothing is moved behind your back.
# `backend.asarray` moves to the device, `backend.to_numpy` moves back, and an array in the wrong
# place is an error that says so. `fit` moves its data once, at the beginning.

# %%
for name in usable:
    net = bp.Network([64, 16, 10], "relu", "softmax", seed=0, backend=name)
    there = net.backend.asarray(X[:3])
    A = net.predict(there)
    back = net.backend.to_numpy(A)
    print(
        f"{name:8} there: {type(there).__module__.partition('.')[0]}, back: {type(back).__module__}"
    )
    try:
        net.predict(X[:3])
        print("         takes the host's arrays as they are, for it lives there")
    except bp.BackendError as problem:
        print(textwrap.fill(str(problem), 90, initial_indent=" " * 9, subsequent_indent=" " * 9))

# %% [markdown]
# ## Mind 2: the GPU works ahead
#
# A call on a GPU returns before the work is done; Python goes on and queues the next one.
# `float(J)` must *wait* until all is computed. One such line in a loop, and the GPU idles between
# steps.
#
#     for X, Y in batches:
#         J = step(X, Y)
#         total += float(J)        # waits, every time
#
#     for X, Y in batches:
#         total = total + step(X, Y)       # stays on the device
#     print(float(total))          # waits once
#
# For the same reason a stopwatch needs `backend.synchronize()` before it is read.
#
# ## Mind 3: small networks do not need a GPU
#
# Starting one operation on a GPU takes a few millionths of a second, however small it is. The
# arithmetic of a training step is about 6 m Σ n_l n_(l−1) operations: 2 forward, 4 backward.
#
# **Think first:** take 14 launches of 3 µs a step, and 10 million million operations a second.
# For which of these networks is the launching most of the time?

# %%
launches, each, speed = 14, 3e-6, 1e13  # assumed, roughly a card of today
print("network            batch    arithmetic    launching")
for sizes, m in (
    ([2, 4, 1], 4),
    ([784, 128, 10], 128),
    ([784, 1024, 1024, 10], 256),
    ([4096, 4096, 1], 1024),
):
    work = 6 * m * sum(a * b for a, b in itertools.pairwise(sizes))
    name = "-".join(map(str, sizes))
    print(f"{name:18} {m:5} {1e6 * work / speed:10.3f} µs {1e6 * launches * each:9.0f} µs")

# %% [markdown]
# For the first two the GPU waits for Python. Give it more to do: larger batches, or many networks
# at once (lesson 13). In `fit` the library captures the whole step as one CUDA graph, which is a
# single launch.
#
# ## Mind 4: numbers
#
# float32 is the default, because GPUs are made for it; float64 is many times slower on most
# cards. Use it for checks: `check_gradients` does so by itself.
#
# And what *you* write must be written for both: an activation of your own gets `xp`, the array
# library of its backend. Write `xp.exp`, never `np.exp`:

# %%
softsign = bp.Activation(
    "softsign",
    lambda xp, z: z / (1 + xp.abs(z)),
    lambda xp, z, a: 1 / (1 + xp.abs(z)) ** 2,
)
for name in usable:
    net = bp.Network([64, 8, 10], softsign, "softmax", backend=name)
    print(f"{name:8}", str(bp.check_gradients(net, X[:10], Y[:10])).splitlines()[0])

# %% [markdown]
# ## Task
#
# This function works on every backend, and brings the output of *every batch* to the host, and
# waits each time. Rewrite it so that it reads from the device once. All that you need is in `xp =
# net.backend.xp`: `xp.argmax(A, axis=1)`, `xp.sum`, `==`. Labels can be moved to the device with
# `net.backend.asarray(Y)`.


# %% tags=["task"]
def count_right(net, X, Y, batch=100):
    right = 0
    for start in range(0, len(Y), batch):
        A = net.predict(net.backend.asarray(X[start : start + batch]))
        labels = net.backend.to_numpy(A).argmax(axis=1)
        right += int(np.sum(labels == Y[start : start + batch]))
    return right


# %% tags=["check"]
class Counting(type(bp.get_backend("numpy"))):
    """NumPy's backend, which counts what is read."""

    reads = 0

    def to_numpy(self, a):
        self.reads += 1
        return super().to_numpy(a)


def check():
    net = bp.Network([64, 16, 10], "relu", "softmax", seed=0, backend=Counting())
    bp.fit(net, X, Y, epochs=3, optimizer=bp.Adam(1e-2), progress=False)
    right = int(np.sum(net.predict((data.X / 16).tolist()).argmax(axis=1) == data.Y))
    net.backend.reads = 0
    given = int(count_right(net, data.X / 16, data.Y))
    if given != right:
        return f"not yet: it counts {given}, and {right} are right"
    if net.backend.reads != 1:
        return f"not yet: it reads {net.backend.reads} times"
    return f"solved: {right} of {len(data.Y)} are right, and it reads once"


print(check())

# %% [markdown]
# ## Solution
#
# Compare on the device, and keep the count there: an array with one number. At the end it is
# read, once.


# %% tags=["solution"]
def count_right(net, X, Y, batch=100):
    backend, xp = net.backend, net.backend.xp
    Y = backend.asarray(Y)
    right = xp.sum(0 * Y)
    for start in range(0, X.shape[0], batch):
        A = net.predict(backend.asarray(X[start : start + batch]))
        same = xp.argmax(A, axis=1) == Y[start : start + batch]
        right = right + xp.sum(xp.astype(same, right.dtype))
    return int(backend.to_numpy(right))


print(check())
