# %% [markdown]
# # 11. From scikit-learn
#
# You know `MLPClassifier`. Here you change one import, look inside the model with the tools of
# the other lessons, and use what scikit-learn's does not have. It needs scikit-learn: `pip
# install "backprop-xp[sklearn]"`.
#
# ## One import

# %%
import numpy as np
from sklearn.neural_network import MLPClassifier as Theirs

import backprop_xp as bp
from backprop_xp.estimators import MLPClassifier

data = bp.datasets.digits()
X_train, X_test = data.X[:1200] / 16, data.X[1200:] / 16
Y_train, Y_test = data.Y[:1200], data.Y[1200:]
options = {"hidden_layer_sizes": (32,), "random_state": 0, "max_iter": 30, "tol": 0.0}
options["n_iter_no_change"] = 100

# %% [markdown]
# **Think first:** both get the same data, options and `random_state`. Will they get the same
# weights? To how many digits?

# %%
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that 30 epochs are not the end
    theirs = Theirs(**options).fit(X_train, Y_train)
    ours = MLPClassifier(**options, backend="numpy").fit(X_train, Y_train)
print(f"accuracy: theirs {theirs.score(X_test, Y_test):.4f}, ours {ours.score(X_test, Y_test):.4f}")
off = max(np.abs(a - b).max() for a, b in zip(theirs.coefs_, ours.coefs_, strict=True))
print(f"largest difference of a weight after {ours.n_iter_} epochs: {off:.0e}")

# %% [markdown]
# The same first weights, the same order of batches, the same formulas: only rounding is left. So
# pipelines, searches and everything else that you have keep working.
#
# ## Look inside
#
# The estimator is a network of this library. `to_network` hands it out, and all lessons apply.
#
# **Think first:** scikit-learn's `coefs_[0]` has the shape (64, 32). Which shape has W[1] here?

# %%
net = ours.to_network()
print(net.sizes, net.hidden[0].name, net.output.name, net.loss.name, net.dtype)
print("coefs_[0]", ours.coefs_[0].shape, "  W[1]", net.W[1].shape)
print("one is the other, transposed:", np.allclose(ours.coefs_[0], net.W[1].T))
one_hot = np.eye(10)[Y_train[:20]]
print(str(bp.check_gradients(net, X_train[:20], one_hot)).splitlines()[0])

# %% [markdown]
# scikit-learn writes Z = X W + b with W (n_in, n_out). Here W is (n_out, n_in), as in the
# article, and Z = X Wᵀ + b.
#
# Each row of W[1] is what a hidden unit looks for: 64 weights, one for each pixel.

# %%
from backprop_xp.lessons import drawing

drawing.images("lesson-11-units", net.W[1][:10].reshape(-1, 8, 8), [f"unit {k}" for k in range(10)])
wrong = np.flatnonzero(ours.predict(X_test) != Y_test)[:10]
said = ours.predict(X_test[wrong])
titles = [f"{label}, taken for {guess}" for label, guess in zip(Y_test[wrong], said, strict=True)]
drawing.images("lesson-11-mistakes", X_test[wrong].reshape(-1, 8, 8), titles)
print("mistakes:", "; ".join(titles[:5]))

# %% [markdown]
# ## What scikit-learn's has not
#
# An activation per layer, dropout, class weights, validation data of your own, callbacks. Here is
# a class that is rare: of the digit 8, only 8 examples are left.
#
# **Think first:** what will the network do with eights? What changes if each of the few counts
# more?

# %%
keep = np.flatnonzero((Y_train != 8) | (np.cumsum(Y_train == 8) <= 8))
X_rare, Y_rare = X_train[keep], Y_train[keep]
eights = Y_test == 8
for weight in (None, "balanced"):
    model = MLPClassifier(
        (32,),
        random_state=0,
        max_iter=40,
        class_weight=weight,
        n_iter_no_change=100,
        backend="numpy",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X_rare, Y_rare)
    found = np.mean(model.predict(X_test[eights]) == 8)
    score = model.score(X_test, Y_test)
    print(f"class_weight={weight!s:9} eights found {found:.2f}, accuracy {score:.3f}")

# %% [markdown]
# ## Task
#
# Use scikit-learn's tools on our estimator: a pipeline that scales the raw digits (`data.X`, 0 …
# 16) and classifies, and `cross_val_score` with three folds on the training rows. Write `scores`,
# an array of three accuracies; they should be above 0.75.

# %% tags=["task"]
scores = np.zeros(3)  # your lines: make_pipeline(StandardScaler(), MLPClassifier(...)), …


# %% tags=["check"]
def check():
    if np.shape(scores) != (3,):
        return f"not yet: expected three scores, not the shape {np.shape(scores)}"
    if np.min(scores) <= 0.75:
        return f"not yet: the scores are {np.round(scores, 3)}"
    return f"solved: {np.round(scores, 3)}"


print(check())

# %% [markdown]
# ## Solution
#
# The scaler stands *in* the pipeline, so that each fold learns means and deviations from its own
# training rows (lesson 10).

# %% tags=["solution"]
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

classifier = MLPClassifier((32,), random_state=0, max_iter=40, backend="numpy")
pipeline = make_pipeline(StandardScaler(), classifier)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    scores = cross_val_score(pipeline, data.X[:1200], Y_train, cv=3)

print(check())
