"""to_html: what is in the page, what it refuses, and that no text breaks out of it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from cases import HIDDEN, PAIRS, random_network, targets

import backprop_xp as bp
from backprop_xp.cli import main
from backprop_xp.insight.page.mathml import mathml

X4 = np.array([[0.1, 0.2], [0.1, 0.9], [0.8, 0.2], [0.9, 0.8]])
XOR = np.array([0, 1, 1, 0])
HOST = bp.get_backend("numpy")
MOST = 300_000


@pytest.fixture
def explained(backend, rng):
    return bp.explain(random_network(backend, rng, [2, 3, 1]), X4, XOR)


def written(explanation, tmp_path, **options):
    path = tmp_path / "page.html"
    explanation.to_html(path, **options)
    return path.read_text(encoding="utf-8")


def content(text):
    """What Python hands to the page's script."""
    return json.loads(re.search(r"^const PAGE = (.*);$", text, re.MULTILINE)[1])


def xml(markup):
    return ET.fromstring(markup)


# -- what is in it -----------------------------------------------------------------------------


def test_it_is_one_file_that_needs_nothing_else(explained, tmp_path):
    text = written(explained, tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "page.html"]
    addresses = re.findall(r"https?://[^\"']*", text)
    assert {a.split("/")[2] for a in addresses} <= {"www.w3.org"}  # the name of MathML
    assert not re.search(r"<(script|link|img)[^>]* src=", text)
    assert "{{" not in text
    assert len(text.encode()) < MOST / 2


def test_the_steps_are_the_terms(explained, tmp_path):
    page = content(written(explained, tmp_path))
    told = [(step["equation"], step["symbol"]) for step in page["steps"][1:]]
    terms = [term for term in explained.terms if term.part != "given"]
    assert told == [(term.equation, term.symbol) for term in terms]


@pytest.mark.parametrize("sizes", [[2, 2], [2, 3, 2], [3, 4, 2, 2], [8, 8, 8, 8, 8]])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_every_edge_and_operand_exists(rng, tmp_path, sizes, output):
    net = random_network(HOST, rng, sizes, output=output, loss="squared_error", l2=0.1)
    X, Y = rng.normal(size=(3, sizes[0])), rng.normal(size=(3, sizes[-1]))
    explanation = bp.explain(net, X, Y)
    text = written(explanation, tmp_path, steps=1)
    graph = xml(re.search(r'<svg id="graph".*?</svg>', text, re.DOTALL)[0])
    edges = {e.get("data-edge") for e in graph.iter() if e.get("data-edge")}
    nodes = {e.get("data-node") for e in graph.iter() if e.get("data-node")}
    symbols = {term.symbol for term in explanation.terms}
    page = content(text)
    assert set(page["symbols"]) == set(page["axes"]) == symbols
    for step in page["steps"]:
        assert {operand.rstrip("ᵀ") for operand in step["operands"]} <= symbols
        named = set(step["edges"])
        assert {edge for edge in named if not edge.endswith("!")} <= edges
        assert {edge[:-1] for edge in named if edge.endswith("!")} <= nodes
    lit = {edge for step in page["steps"] for edge in step["edges"]}
    assert edges <= lit  # no edge stays dark


def test_the_training_run_is_gradient_descent(rng, tmp_path):
    import base64

    net = random_network(HOST, rng, [2, 3, 1])
    explanation = bp.explain(net, X4, XOR, learning_rate=0.4)
    run = content(written(explanation, tmp_path, steps=7))["training"]
    theta = np.frombuffer(base64.b64decode(run["theta"])).reshape(8, -1)
    for step in range(8):
        assert run["step"][step] == step
        np.testing.assert_allclose(theta[step], net.theta, rtol=0, atol=1e-14)
        J = float(net.cost(net.forward(X4), XOR))
        assert run["J"][step] == pytest.approx(J, abs=1e-14)
        bp.SGD(0.4).update(net, net.backward(net.forward(X4), XOR))


def test_the_explained_network_is_not_trained(explained, tmp_path):
    before = explained.net.backend.to_numpy(explained.net.theta).copy()
    written(explained, tmp_path, steps=5)
    np.testing.assert_array_equal(explained.net.backend.to_numpy(explained.net.theta), before)


def test_a_run_that_diverges_ends_with_a_word(rng, tmp_path):
    net = random_network(HOST, rng, [2, 3, 1], hidden="identity", output="identity")
    explanation = bp.explain(net, 50 * X4, 50 * XOR, learning_rate=1.0)
    run = content(written(explanation, tmp_path, steps=200))["training"]
    assert "J left the finite numbers at step" in run["note"]
    assert 0 < len(run["J"]) < 41
    assert np.isfinite(run["J"]).all()


@pytest.mark.parametrize("k", range(len(PAIRS)))
def test_every_formula_is_well_formed(rng, tmp_path, k):
    (output, loss), hidden = PAIRS[k], HIDDEN[k % len(HIDDEN)]
    net = random_network(HOST, rng, [2, 3, 2], hidden=hidden, output=output, loss=loss, l1=1e-5)
    Y = np.eye(2)[[0, 1, 1]] if loss == "cross_entropy" else targets(loss, rng, (3, 2))
    page = content(written(bp.explain(net, X4[:3], Y), tmp_path, steps=1))
    markup = [side for step in page["steps"] for side in step["formula"]]
    markup += page["symbols"].values()
    for formula in markup:
        assert xml(formula).tag == "math"


def read(formula):
    return "".join(xml(mathml(formula)).itertext()).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("formula", "fractions"),
    [
        ("A[2](1 − A[2])", 0),
        ("(1/m) (A[2] − Y) / (A[2](1 − A[2]))", 2),
        ("(∂J/∂Z[1])ᵀ X", 1),
        ("e^Z[2] / Σ e^Z[2]", 1),
        ("½ e² if |e| ≤ 1, else |e| − ½, e = A[2] − Y", 0),
        ("1e-05 Σ W²/2", 1),
    ],
)
def test_fractions_are_fractions(formula, fractions):
    assert len(list(xml(mathml(formula)).iter("mfrac"))) == fractions


def test_a_formula_reads_as_it_stands():
    assert read("max(Z[1], 0.01 Z[1])") == "max(Z[1],0.01Z[1])"
    assert read("1 where Z[1] > 0, else 0") == "1 where Z[1]>0, else 0"
    of = [e.get("data-of") for e in xml(mathml("W[1] − α ∂J/∂W[1]")).iter() if e.get("data-of")]
    assert of == ["W[1]", "α", "∂J/∂W[1]"]


def test_any_text_gives_well_formed_mathml():
    """A name of the user's own may hold anything."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    signs = st.sampled_from([*"(/)ᵀ²ᵢ|<>&\"'Σ∂½ ", "e^", "_i", "∂J/∂W[1]", "Z[1]", "log", "x"])
    texts = st.lists(signs, max_size=12).map("".join) | st.text(
        st.characters(exclude_categories=["C"]), max_size=12
    )

    @hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
    @hypothesis.given(texts)
    def check(text):
        assert xml(mathml(f"{text}(Z[1])")).tag == "math"

    check()


# -- names and markup --------------------------------------------------------------------------


class Tags(HTMLParser):
    """Counts the tags of a document, as a browser reads it."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append(tag)


@pytest.mark.parametrize(
    "evil", ["</script><img src=x>", "<!--<script>", "&lt;b&gt;", "'\"><b>", "{{script}}", "\u2028"]
)
def test_no_text_breaks_out(rng, tmp_path, evil):
    def page(name):
        g = bp.Activation(name, lambda xp, z: xp.tanh(z), lambda xp, z, a: 1 - a * a)
        net = random_network(HOST, np.random.default_rng(1), [2, 3, 1], hidden=g)
        explanation = bp.explain(net, X4, XOR)
        return written(explanation, tmp_path, steps=1, features=(name, "w"), outputs=[name])

    text = page(evil)
    assert Tags(text).found == Tags(page("harmless")).found
    assert content(text)["features"] == [evil, "w"]


def test_columns_of_a_frame_are_the_names(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X4, columns=["length", "width"])
    net = bp.Network([2, 3, 1], seed=0, backend="numpy")
    bp.fit(net, frame, XOR, epochs=1, progress=False)
    explanation = bp.explain(net, frame, XOR)
    assert content(written(explanation, tmp_path))["features"] == ["length", "width"]
    named = written(explanation, tmp_path, features=["a", "b"], outputs=["c"])
    assert content(named)["features"] == ["a", "b"]
    assert content(named)["outputs"] == ["c"]


def test_columns_without_names_are_numbered(explained, tmp_path):
    page = content(written(explained, tmp_path))
    assert (page["features"], page["outputs"]) == (["x₁", "x₂"], ["y₁"])


# -- limits and wrong input --------------------------------------------------------------------


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_the_largest_page_is_small(rng, tmp_path, own, output):
    g = bp.Activation("mine" * 20, lambda xp, z: xp.tanh(z), lambda xp, z, a: 1 - a * a)
    hidden = g if own else "gelu"
    net = random_network(HOST, rng, [8] * 5, hidden=hidden, output=output, l1=1e-5, l2=1e-5)
    explanation = bp.explain(net, rng.normal(size=(8, 8)), np.eye(8), learning_rate=1e-3)
    written(explanation, tmp_path, features=["x" * 500] * 8, outputs=["ÿ" * 500] * 8)
    assert (tmp_path / "page.html").stat().st_size < MOST


@pytest.mark.parametrize(
    ("sizes", "rows"), [([9, 3, 1], 4), ([2, 9, 1], 4), ([2] * 5 + [1], 4), ([2, 3, 1], 9)]
)
def test_what_does_not_fit_is_refused(rng, tmp_path, sizes, rows):
    net = random_network(HOST, rng, sizes)
    explanation = bp.explain(net, rng.normal(size=(rows, sizes[0])), np.arange(rows) % 2)
    given = "-".join(map(str, sizes))
    message = f"up to 4 layers .* 8 examples, but this is a {given} network with {rows} examples"
    with pytest.raises(bp.ShapeError, match=message):
        explanation.to_html(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps=0: expected a positive integer"),
        ({"steps": 1.5}, "steps=1.5: expected a positive integer"),
        ({"steps": 10**6}, "expected at most 100,000"),
        ({"features": ["one"]}, r"features=\['one'\]: expected 2 names"),
        ({"features": "ab"}, "features='ab': expected 2 names"),
        ({"features": 7}, "features=7: expected 2 names"),
        ({"outputs": ["a", "b"]}, "expected 1 name"),
    ],
)
def test_wrong_input(explained, tmp_path, options, message):
    with pytest.raises(bp.ConfigurationError, match=message):
        explained.to_html(tmp_path / "page.html", **options)


def test_places_that_cannot_be_written(explained, tmp_path):
    with pytest.raises(bp.ConfigurationError, match="there is no directory"):
        explained.to_html(tmp_path / "nowhere" / "page.html")
    with pytest.raises(bp.ConfigurationError, match="expected the name of a file"):
        explained.to_html(7)


# -- the command line --------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path, rng):
    pytest.importorskip("pandas")
    path = tmp_path / "data.csv"
    X = rng.normal(size=(40, 2))
    rows = [f"{a:.3f},{b:.3f},{'yes' if a * b > 0 else 'no'},{a + b:.3f}" for a, b in X]
    path.write_text("\n".join(["length,<width>,y,sum", *rows]))
    return path


def test_command_line(capsys, tmp_path):
    path = tmp_path / "page.html"
    assert main(["explain", "--html", str(path)]) == 0
    assert capsys.readouterr().out == f"The page is in {path}: open it in a browser\n"
    page = content(path.read_text(encoding="utf-8"))
    assert (page["sizes"], page["alpha"]) == ([2, 3, 1], 0.5)
    options = ["--hidden", "4,2", "--activation", "relu", "--learning-rate", "0.2", "--rows", "5"]
    assert main(["explain", "--html", str(path), *options]) == 0
    page = content(path.read_text(encoding="utf-8"))
    assert (page["sizes"], page["alpha"], len(page["X"])) == ([2, 4, 2, 1], 0.2, 5)
    assert page["activations"] == ["relu", "relu", "sigmoid"]


def test_rows_of_a_table(capsys, tmp_path, table):
    path = tmp_path / "page.html"
    arguments = ["explain", str(table), "--target", "y", "--rows", "4", "--drop", "sum"]
    assert main([*arguments, "--html", str(path)]) == 0
    page = content(path.read_text(encoding="utf-8"))
    assert (page["features"], page["outputs"]) == (["length", "<width>"], ["y = yes"])
    assert sorted(y for (y,) in page["Y"]) == [0, 0, 1, 1]  # of every class in turn
    capsys.readouterr()
    assert main(arguments) == 0
    assert "a 2-3-1 network (tanh → sigmoid" in capsys.readouterr().out


def test_a_table_with_a_number_to_predict(tmp_path, table):
    path = tmp_path / "page.html"
    arguments = ["explain", str(table), "--target", "sum", "--html", str(path)]
    assert main(arguments) == 0
    page = content(path.read_text(encoding="utf-8"))
    assert (page["loss"], page["outputs"]) == ("squared_error", ["sum"])
    assert page["features"] == ["length", "<width>", "y = no", "y = yes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "y", "--html", "page.html"], "--target needs DATA"),
        (["--drop", "y"], "--drop needs DATA"),
        (["TABLE"], "Say --target COL. The columns are: length, <width>, y, sum"),
        (["TABLE", "--target", "z"], "--target 'z': no such column"),
        (["TABLE", "--target", "y", "--html", "TABLE"], "would overwrite what is read"),
        (["TABLE", "--target", "y", "--rows", "9", "--html", "page.html"], "8 examples, but"),
        (["--html", "/nowhere/at/all/page.html"], "there is no directory /nowhere/at/all"),
        (["--learning-rate", "-1"], "expected a finite number > 0"),
        (["--activation", "tanhh"], "no such activation"),
    ],
)
def test_bad_arguments_are_one_line(capsys, monkeypatch, tmp_path, table, arguments, message):
    monkeypatch.chdir(tmp_path)
    code = main(["explain", *(str(table) if a == "TABLE" else a for a in arguments)])
    stderr = capsys.readouterr().err
    assert code == 2
    assert stderr.startswith("backprop-xp: error: ")
    assert len(stderr.splitlines()) == 1
    assert message in stderr
    assert not (tmp_path / "page.html").exists()
