# %% [markdown]
# # 10. Your own CSV
#
# Real data come as a table: numbers with gaps, words, dates, a column you must not use. Here you
# make such a table, train on it with one command, read the report, and then do the same in
# Python, to know what the command has done. It needs pandas: `pip install "backprop-xp[tables]"`.
#
# ## A table with everything in it
#
# A shop rents out bicycles. How many will go out today depends on temperature, weather and day;
# the table has missing values, as all tables have.

# %%
import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)
days = pd.date_range("2023-01-01", periods=730)
season = np.sin(2 * np.pi * (days.day_of_year - 100) / 365)
warm = 12 + 10 * season + rng.normal(0, 3, 730)
weather = rng.choice(["sunny", "cloudy", "rain"], 730, p=[0.4, 0.4, 0.2])
wet = pd.Series(weather).map({"sunny": 1.0, "cloudy": 0.8, "rain": 0.35}).to_numpy()
weekend = np.where(days.day_of_week >= 5, 1.5, 1.0)
bikes = np.round(weekend * wet * (20 + 80 / (1 + np.exp(-(warm - 14) / 4))) + rng.normal(0, 4, 730))
table = pd.DataFrame({"id": np.arange(730), "date": days.strftime("%Y-%m-%d"), "temperature": warm})
table["weather"], table["bikes"] = weather, bikes
table.loc[rng.choice(730, 40, replace=False), "temperature"] = math.nan
table.to_csv(folder / "bikes.csv", index=False)
print(table.head(4).round(1).to_string(index=False))

# %% [markdown]
# ## One command
#
# On the command line it is
#
#     python -m backprop_xp train bikes.csv --target bikes --out model.safetensors
#
# Here the same is called from Python. **Think first:** which columns can be used as they are?
# What should become of the date, the weather, the id, and the missing temperatures?

# %%
from backprop_xp.cli import main

csv, model = str(folder / "bikes.csv"), str(folder / "model.safetensors")
options = "--target bikes --epochs 60 --seed 0 --backend numpy"
code = main(["train", csv, *options.split(), "--out", model])

# %% [markdown]
# Read the report line by line.
#
# - **task**: numbers with many values, so a regression; with words in that column it would be
#   classes.
# - **columns**: numbers are standardised (lesson 8); words are one-hot, a 0/1 feature for each; a
#   date becomes year, month, day of the week and days; the id is left out, since it numbers the
#   rows.
# - **rows**: some are held out. They decide nothing, so that they can judge.
# - The table at the end: the network beside a *linear model* and beside the best constant. A
#   network that does not beat the line is not worth its trouble.
#
# **r2** is the part of the variance that is explained: 1 is perfect, 0 is as good as the mean.
#
# ## Predict
#
# The model file holds the network and all that was learned of the columns. It takes raw rows:

# %%
rows = "date,temperature,weather\n2025-07-05,24,sunny\n2025-07-07,24,sunny\n2025-01-08,,rain\n"
(folder / "new.csv").write_text(rows)
predictions = folder / "predictions.csv"
new = str(folder / "new.csv")
code = main(["predict", model, new, "--backend", "numpy", "--out", str(predictions)])
print(predictions.read_text())

# %% [markdown]
# The 5th of July 2025 is a Saturday, the 7th a Monday: the network has found the weekend,
# although nobody told it. Is the third number below 0? Squared error does not know that nobody
# rents out −3 bicycles; for counts, `bp.Network` has `loss="poisson"`.
#
# ## By hand
#
# What the command does, in ten lines. The order is what matters: *split first*, then learn means
# and deviations from the training rows alone.
#
# **Think first:** what goes wrong if means are taken over all rows, or if you look at the test
# rows to choose the network?

# %%
import backprop_xp as bp

days = pd.to_datetime(table["date"])
features = pd.DataFrame({"temperature": table["temperature"]})
features["missing"] = table["temperature"].isna() * 1.0
for kind in ("sunny", "cloudy", "rain"):
    features[kind] = (table["weather"] == kind) * 1.0
for number in range(7):
    features[f"day {number}"] = (days.dt.day_of_week == number) * 1.0
features["month"] = days.dt.month

order = np.random.default_rng(1).permutation(len(table))
train, test = order[:584], order[584:]
median = features["temperature"].iloc[train].median()
X = features.fillna({"temperature": median}).to_numpy(dtype=float)
mean, deviation = X[train].mean(axis=0), X[train].std(axis=0)
X = (X - mean) / deviation
y = table["bikes"].to_numpy(dtype=float)
y_mean, y_deviation = y[train].mean(), y[train].std()


def r2(predicted, actual):
    return 1 - np.sum((predicted - actual) ** 2) / np.sum((actual - actual.mean()) ** 2)


net = bp.Network([X.shape[1], 32, 1], "relu", "identity", seed=0, l2=1e-3, backend="numpy")
target = (y[train] - y_mean) / y_deviation
bp.fit(net, X[train], target, epochs=150, optimizer=bp.Adam(3e-3), progress=False)
predicted = np.asarray(net.predict(X[test].tolist()))[:, 0] * y_deviation + y_mean
print(f"r2 on the training rows {r2(net.predict(X[train].tolist())[:, 0], target):.3f}")
print(f"r2 on the test rows     {r2(predicted, y[test]):.3f}")

# %% [markdown]
# If means were taken over all rows, something of the test rows would leak into training; with
# means it is little, with features chosen by looking at the target it is much. And whoever
# chooses the network by the test rows has trained on them, slowly: what is left is no judge.
#
# ## Task
#
# A colleague adds a column `revenue`: each bicycle brings about 12. With it, r2 is nearly 1. Why
# must it not be used, though it is in the table? Write down the columns of this table that a shop
# knows *in the morning*, when it has to predict; leave out what is of no use.

# %% tags=["task"]
usable = ["id", "date", "temperature", "weather", "revenue"]


# %% tags=["check"]
def check():
    richer = table.assign(revenue=12 * table["bikes"] + rng.normal(0, 5, len(table)))
    if unknown := set(usable) - set(richer.columns):
        return f"not yet: there is no column {sorted(unknown)}"
    if "bikes" in usable:
        return "not yet: bikes is what is to be predicted"
    if "revenue" in usable:
        likeness = np.corrcoef(richer["revenue"], richer["bikes"])[0, 1]
        return f"not yet: revenue and bikes have the correlation {likeness:.4f}; when is it known?"
    if "id" in usable:
        return "not yet: what would the number of a row tell of the next day?"
    if set(usable) != {"date", "temperature", "weather"}:
        return "not yet: something useful is left out"
    return "solved: date, temperature and weather"


print(check())

# %% [markdown]
# ## Solution
#
# The revenue is known in the evening, with the number of bicycles itself: it *leaks* the target.
# On the command line: `--drop revenue`. Such columns are the most common reason why a model is
# wonderful in the report and useless the next day.

# %% tags=["solution"]
usable = ["date", "temperature", "weather"]

print(check())
