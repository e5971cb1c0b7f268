"""Preprocessing: learned from training rows, applied by formulas, kept as plain data."""

from __future__ import annotations

import json

import numpy as np
import pytest

import backprop_xp as bp
from backprop_xp.tables.choosing import choose_columns
from backprop_xp.tables.plain import as_plain, from_plain, is_old
from backprop_xp.tables.reading import Reading
from backprop_xp.tables.task import Task

pd = pytest.importorskip("pandas")

from backprop_xp.tables.fitting import fit_preprocessing  # noqa: E402


def fitted(frame, target="sold", **options):
    return fit_preprocessing(frame, target, **options)


def test_it_agrees_with_scikit_learns_own_pipeline(mixed):
    pytest.importorskip("sklearn")
    from sklearn.compose import make_column_transformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(sparse_output=False)  # of which a missing value is one
    frame = mixed[["size", "count", "colour", "open", "sold"]]
    train, test = frame.iloc[:40], frame.iloc[40:]
    peer = make_column_transformer(
        (numbers, ["size"]),
        (MissingIndicator(), ["size"]),
        (numbers, ["count"]),
        (categories, ["colour"]),
        (OneHotEncoder(sparse_output=False), ["open"]),
    ).fit(train.astype({"colour": object}))
    ours, _ = fitted(train)
    for part in (train, test):
        expected = peer.transform(part.astype({"colour": object}))
        np.testing.assert_allclose(ours.transform(part), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("m", [1, 2, 7, 600, 5001])
def test_numbers_are_learned_as_scikit_learn_does_to_the_last_bit(rng, m):
    impute = pytest.importorskip("sklearn.impute")
    scale = pytest.importorskip("sklearn.preprocessing")
    X = np.column_stack(
        [
            rng.normal(1e6, 1e-3, m),
            rng.normal(size=m) * 1e-12,
            0.1 + rng.integers(0, 2, m) * 2e-17,  # nothing but rounding
            1e9 + rng.normal(size=m) * 1e-7,
            rng.integers(0, 9, m),
            np.where(rng.random(m) < 0.4, np.nan, rng.normal(size=m)),
        ]
    )
    X[0, -1] = 3.0
    imputer = impute.SimpleImputer(strategy="median").fit(X)
    scaler = scale.StandardScaler().fit(imputer.transform(X))
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(y=0)
    columns = fitted(frame, "y", choice=choose_columns(frame, "y", keep=list("abcdef")))[0].columns
    assert [c.name for c in columns] == list("abcdef")
    assert [c.median for c in columns] == imputer.statistics_.tolist()
    assert [c.mean for c in columns] == scaler.mean_.tolist()
    constant = np.ptp(imputer.transform(X), axis=0) == 0
    assert [c.deviation for c in columns] == np.where(constant, 0.0, scaler.scale_).tolist()


@pytest.mark.parametrize("categories", [3, 98, 99, 100, 101, 250])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_categories_are_counted_as_scikit_learn_does(rng, categories, missing):
    scale = pytest.importorskip("sklearn.preprocessing")
    names = np.array([f"c{i}" for i in range(categories)], dtype=object)
    column = np.concatenate([names, rng.choice(names, 500)])
    column[categories:][rng.random(500) < missing] = None
    encoder = scale.OneHotEncoder(max_categories=100, handle_unknown="infrequent_if_exist")
    encoder.fit(column[:, None])
    rare = set(() if (shared := encoder.infrequent_categories_[0]) is None else shared)
    frame = pd.DataFrame({"c": column, "y": 0})
    (learned,) = fitted(frame, "y")[0].columns
    assert list(learned.values) == [c for c in encoder.categories_[0] if c not in rare]
    assert learned.other == bool(rare)
    X = fitted(frame, "y")[0].transform(frame)
    np.testing.assert_array_equal(X, encoder.transform(column[:, None]).toarray())


def test_one_scale_for_all_numbers(mixed):
    frame = mixed[["count", "price", "sold"]]
    ours, _ = fitted(frame, together=True)
    values = frame[["count", "price"]].to_numpy()
    expected = (values - values.mean()) / values.std()
    np.testing.assert_allclose(ours.transform(frame), expected, rtol=1e-6, atol=1e-6)


def test_what_it_says(mixed):
    mixed.insert(0, "id", range(60))
    mixed["name"] = [f"shop {i}" for i in range(60)]
    mixed["when"] = pd.Timestamp("2020-01-01")
    mixed["same"] = 7
    ours, notices = fitted(mixed, drop=["price"])
    assert notices == [
        "column 'id' is left out: whole numbers, no two alike and without gaps, look like row "
        "numbers (--keep 'id' uses it all the same)",
        "column 'name' is left out: 60 different values in 60 rows look like an identifier (--keep "
        "'name' uses it all the same)",
        f"column 'size': 2 missing → the median, {mixed['size'].median():g}, and marked",
        "the same number in every row, so of no use: same",
        "column 'colour': 1 missing → a category of their own",
        "column 'when' holds dates (such as 2020-01-01 00:00:00) → year, month, day of week, days "
        "since 1970",
    ]
    assert ours.left_out == ("id", "price", "name")
    assert ours.features == ours.transform(mixed).shape[1] == 2 + 1 + 4 + 2 + 4 + 1
    assert ours.text == ["colour", "when"]


def test_a_constant_column_is_zero_whatever_comes(mixed):
    mixed["same"] = 7
    ours, _ = fitted(mixed[["size", "same", "sold"]])
    mixed["same"] = 1e9
    assert not ours.transform(mixed[["size", "same"]])[:, -1].any()


def test_many_categories_share_a_feature(rng):
    names = [f"c{i:03}" for i in range(99)] * 5 + [f"rare{i}" for i in range(50)]
    frame = pd.DataFrame({"c": rng.permutation(names), "y": 0})
    ours, notices = fitted(frame, "y")
    assert ours.features == 100
    assert notices == ["column 'c': 149 categories; the 50 rarest share a feature"]
    X = ours.transform(pd.DataFrame({"c": ["c000", "rare7", "never seen"]}))
    np.testing.assert_array_equal(X.argmax(axis=1), [0, 99, 99])
    np.testing.assert_array_equal(X.sum(axis=1), 1)


def test_missing_at_predict_alone(mixed):
    """A number is the median, as at training; a category is one that was not seen."""
    ours, _ = fitted(mixed[["count", "open", "sold"]])
    row = pd.DataFrame({"count": [None], "open": [True]})
    median = (mixed["count"].median() - mixed["count"].mean()) / mixed["count"].std(ddof=0)
    np.testing.assert_allclose(ours.transform(row)[0], [median, 0, 1], rtol=1e-6)
    with pytest.raises(bp.DataError, match="'open' has no value in row 1, but"):
        ours.transform(pd.DataFrame({"count": [1.0], "open": [None]}))


def test_unseen_categories(mixed):
    ours, _ = fitted(mixed[["colour", "sold"]])
    other = mixed[["colour"]].astype(object)
    other.iloc[[8, 11], 0] = "gren"
    with pytest.raises(bp.DataError) as refusal:
        ours.transform(other)
    assert str(refusal.value) == (
        "column 'colour' has 'gren' in row 9, which no row had at training (2 of 60 rows have such "
        "values). Did you mean 'green'? Correct it, or let such rows have none of the known "
        "values: --allow-unseen"
    )
    X = ours.transform(other, allow_unseen=True)
    np.testing.assert_array_equal(np.flatnonzero(X.sum(axis=1) == 0), [8, 11])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="size"), "column 'size' of the training file is missing"),
        (lambda f: f.rename(columns={"size": "Size"}), "Is 'Size' meant for 'size'?"),
        (lambda f: f.assign(u=1, v=2), "columns 'u', 'v' are not in the training file: remove"),
        (lambda f: f.assign(size="x"), "column 'size' must hold numbers, but row 1 has 'x'"),
        (lambda f: f.assign(size=True), "column 'size' must hold numbers, but row 1 has True"),
        (lambda f: f.assign(size=-np.inf), "column 'size' is -inf in row 1"),
        (lambda f: f.assign(size=1e60), "column 'size' is 1e+60 in row 1, too far from"),
    ],
)
def test_other_columns_than_at_training(mixed, change, message):
    ours, _ = fitted(mixed[["size", "colour", "sold"]])
    with pytest.raises(bp.DataError, match=r"^column") as refusal:
        ours.transform(change(mixed[["colour", "size"]]))
    assert message in str(refusal.value)


def test_columns_come_in_any_order_with_or_without_the_target(mixed):
    ours, _ = fitted(mixed, drop=["price"])
    X = ours.transform(mixed)
    np.testing.assert_array_equal(ours.transform(mixed[["open", "colour", "count", "size"]]), X)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.inf] * 30, "column 'c' is inf in row 2"),
        ([1e200, -1e200] * 30, "column 'c' is 1e+200 in row 1: too large to be standardised"),
        ([*map(str, range(59)), "1,5,"], "holds 59 numbers, but row 60 has '1,5,': correct or emp"),
    ],
)
def test_columns_that_cannot_be_learned_from(mixed, values, message):
    with pytest.raises(bp.DataError) as refusal:
        fitted(mixed.assign(c=values))
    assert message in str(refusal.value)


def test_nothing_is_left_to_learn_from(mixed):
    with pytest.raises(bp.DataError, match="no column is left to learn 'sold' from"):
        fitted(mixed[["size", "sold"]], drop=["size"])


def test_numbers_spoilt_by_a_few_words_are_mentioned(mixed):
    mixed["age"] = [str(i % 9) for i in range(59)] + ["old"]
    assert fitted(mixed)[1][-1] == (
        "column 'age' is categories because of 'old' (row 60); all else is numbers"
    )


def test_dates_spoilt_by_a_word_are_mentioned(mixed):
    mixed["when"] = [f"2024-01-{1 + i % 9:02}" for i in range(59)] + ["unknown"]
    assert fitted(mixed)[1][-1] == (
        "column 'when' is categories because of 'unknown' (row 60); most else is dates"
    )


def test_dates_of_eight_digits_are_said_with_a_date_as_it_stands(mixed):
    mixed["when"] = [20240101 + i % 9 for i in range(60)]
    mixed.loc[4, "when"] = None  # which makes floats of them
    assert "column 'when' holds dates (such as 20240101) → year" in fitted(mixed)[1][-1]


def test_a_text_that_stands_for_a_missing_category(mixed):
    """As in models of earlier versions, whose word for it a table might have, too."""
    from backprop_xp.tables.preprocessing import Category

    colours = pd.Series(["red", "missing", None, "missing "], dtype=object)
    X = np.zeros((4, 2))
    Category("c", ("red", None), False, True, "missing").fill(X[:3], colours[:3], False)
    np.testing.assert_array_equal(X, [[1, 0], [0, 1], [0, 1], [0, 0]])
    with pytest.raises(bp.DataError, match="column 'c' has 'missing' in row 2, which no row had"):
        Category("c", ("red", None), False, True).fill(X, colours, False)


# -- as plain data -----------------------------------------------------------------------------

TASK = Task("sold", "binary", "", ("no", "yes"))
READING = Reading(missing=("-", ""), likely_decimal=",")


def test_plain_data_survive_json(mixed):
    mixed["when"] = pd.Timestamp("2020-01-01 10:00")
    ours, _ = fitted(mixed)
    plain = json.loads(json.dumps(as_plain(ours, TASK, READING), allow_nan=False))
    assert from_plain(plain) == (ours, TASK, READING)


OLD = {
    "format": 1,
    "columns": [
        {"kind": "number", "name": "a", "median": 0.5, "mean": 1, "deviation": 2.0, "mark": False},
        {
            "kind": "category",
            "name": "c",
            "values": ["missing", "x"],
            "other": False,
            "text": True,
        },
    ],
    "left_out": [],
    "task": {
        "target": "y",
        "kind": "binary",
        "why": "",
        "classes": ["n", "y"],
        "mean": 0.0,
        "deviation": 1.0,
    },
}


def test_plain_data_of_an_earlier_version():
    """They knew no way to read, and a missing category by a word."""
    preprocessing, task, reading = from_plain(OLD)
    assert (is_old(OLD), is_old(as_plain(preprocessing, task, reading))) == (True, False)
    assert reading == Reading()
    assert preprocessing.columns[1].values == (None, "x")
    frame = pd.DataFrame({"a": [1.0, 3.0, 5.0], "c": ["missing", None, "x"]})
    expected = [[0, 1, 0], [1, 1, 0], [2, 0, 1]]
    np.testing.assert_array_equal(preprocessing.transform(frame), expected)
    again = json.loads(json.dumps(as_plain(preprocessing, task, reading)))
    np.testing.assert_array_equal(from_plain(again)[0].transform(frame), expected)


@pytest.mark.parametrize("number", [0, 3, "1", None])
def test_plain_data_of_a_version_to_come(number):
    with pytest.raises(ValueError, match="format"):
        from_plain({**OLD, "format": number})


def every_part(document, path=()):
    """The path of every value in nested dicts and lists."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from every_part(value, (*path, key))


@pytest.mark.parametrize("wrong", [None, [], {}, "x", float("nan"), -1, True])
def test_damaged_plain_data_are_refused_or_make_sense(mixed, wrong):
    """Whatever is wrong, no other errors than these three, which the loading turns into its own."""
    ours, _ = fitted(mixed)
    text = json.dumps(as_plain(ours, TASK, READING))
    refused = 0
    for path in every_part(json.loads(text)):
        plain = json.loads(text)
        inner = plain
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = wrong
        try:
            preprocessing, *_ = from_plain(plain)
            assert preprocessing.features >= 0
        except (KeyError, TypeError, ValueError):
            refused += 1
    assert refused > 10
