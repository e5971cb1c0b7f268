"""The page in the hands of a reader: stepping, pointing, sliding, changing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cases import random_network

import backprop_xp as bp

X4 = np.array([[0.1, 0.2], [0.1, 0.9], [0.8, 0.2], [0.9, 0.8]])
XOR = np.array([0, 1, 1, 0])
HOST = bp.get_backend("numpy")
SIZES = {"desk": (1280, 720), "phone": (390, 844)}


@pytest.fixture
def net(rng):
    return random_network(HOST, rng, [2, 3, 1])


@pytest.fixture
def page(opened, net):
    return opened(bp.explain(net, X4, XOR, learning_rate=0.5), steps=80)


def field(page, name):
    return page.get_by_label(name, exact=True)


def numbers(text):
    return [float(x) for x in re.findall(r"-?\d+\.?\d*", text.replace("−", "-"))]


# -- stepping ----------------------------------------------------------------------------------


def test_steps_forward_and_back(page):
    names = page.evaluate("PAGE.steps.map(step => step.equation)")
    assert [n for n in names if n[0] == "F"] == ["F1", "F2", "F3", "F4"]
    assert {"J", *(f"B{k}" for k in (1, 2, 3, 4, 5, 6, 7, 8)), "U1", "U2", "U3", "U4"} <= {*names}
    seen = [page.inner_text("#equation")]
    for _ in names[1:]:
        page.click("#next")
        seen.append(page.inner_text("#equation"))
    assert seen == names
    page.click("#next")  # the end is the end
    assert page.inner_text("#count") == f"step {len(names)} of {len(names)}"
    for name in names[-2::-1]:
        page.click("#previous")
        assert page.inner_text("#equation") == name
    page.click("#last")
    assert page.inner_text("#equation") == names[-1]
    page.click("#first")
    assert page.inner_text("#equation") == "I0"


def test_keys(page):
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#equation") == "F2"
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#equation") == "F1"
    page.keyboard.press("End")
    assert page.inner_text("#equation") == "J"
    page.keyboard.press("Home")
    assert page.inner_text("#equation") == "I0"


def test_keys_within_a_field_belong_to_the_field(page):
    field(page, "W[1], unit 1, input x₁").press("ArrowRight")
    assert page.inner_text("#equation") == "I0"


def test_play_and_pause(page):
    page.clock.install()
    page.click("#play")
    assert "Pause" in page.inner_text("#play")
    page.clock.run_for(2 * 1800 + 100)
    assert page.inner_text("#equation") == "F2"
    page.keyboard.press("p")
    page.clock.run_for(5 * 1800)
    assert page.inner_text("#equation") == "F2"
    assert "Play" in page.inner_text("#play")


@pytest.mark.parametrize(
    ("equation", "lit", "nodes"),
    [
        ("F1", {"X>Z[1]", "W[1]>Z[1]", "b[1]>Z[1]"}, {"Z[1]"}),
        ("B3", {"A[2]<J"}, {"A[2]"}),
        ("B5", {"W[2]<Z[2]"}, {"W[2]"}),
        ("U3", set(), {"W[1]"}),
    ],
)
def test_the_active_edge_is_lit(page, equation, lit, nodes):
    page.locator("#chips button", has_text=re.compile(f"^{equation}$")).click()
    found = page.evaluate("[...document.querySelectorAll('.edge.lit')].map(e => e.dataset.edge)")
    assert set(found) == lit
    script = "[...document.querySelectorAll('[class*=\" lit-\"]')].map(e => e.dataset.node)"
    assert set(page.evaluate(script)) == nodes


def test_every_step_shows_a_formula_with_numbers(page):
    steps = page.evaluate("PAGE.steps")
    for step in steps[1:]:
        page.click("#next")
        assert page.locator("#formula math").count() == 1, step["symbol"]
        assert page.locator("#numbers table").count() >= 1, step["symbol"]
        if step["operation"] != "chain":
            assert re.search(r"\d", page.text_content("#entry math")), step["symbol"]


def test_the_formula_holds_the_examples_numbers(page, net):
    page.locator("#chips button", has_text=re.compile("^B3$")).click()
    entry = page.locator("#entry mn").all_text_contents()
    a = float(net.predict(X4)[0, 0])
    expected = [1, 1, 4, a, 0, a, 1, a, a / (a * (1 - a)) / 4]  # the first is the example
    np.testing.assert_allclose([float(x) for x in entry if "[" not in x], expected, atol=6e-4)


# -- pointing ----------------------------------------------------------------------------------


def test_pointing_at_an_entry_shows_row_times_column(page, net):
    page.click("#next")
    page.locator("#numbers .result td").nth(7).hover()  # example 3, unit 2
    text = page.inner_text("#entry")
    assert "example 3, unit 2" in text
    W, b = (HOST.to_numpy(part) for part in (net.W[1], net.b[1]))
    row = [X4[2, 0], W[1, 0], X4[2, 1], W[1, 1], b[1], X4[2] @ W[1] + b[1]]
    shown = numbers(page.text_content("#entry math"))[-6:]
    np.testing.assert_allclose(shown, row, atol=6e-4)
    used = page.evaluate(
        """[...document.querySelectorAll("#numbers table[data-operand]")].map(
             table => [...table.querySelectorAll("td")].map(cell => cell.matches(".used")))"""
    )
    assert np.flatnonzero(used[0]).tolist() == [4, 5]  # row 3 of X
    assert np.flatnonzero(used[1]).tolist() == [1, 4]  # column 2 of the transposed W
    assert np.flatnonzero(used[2]).tolist() == [1]


def test_arrows_within_a_matrix(page):
    page.click("#next")
    page.locator("#numbers .result td").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert "example 2, unit 2" in page.inner_text("#entry")
    assert page.evaluate("document.activeElement.matches('.result td.chosen')")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")  # the edge is the edge
    assert "example 1, unit 2" in page.inner_text("#entry")
    assert page.inner_text("#equation") == "F1"


def test_rows_of_a_softmax(opened, rng):
    net = random_network(HOST, rng, [2, 3, 3], output="softmax")
    page = opened(bp.explain(net, X4, [0, 1, 2, 0]), steps=1)
    page.locator("#chips button", has_text=re.compile("^B2$")).click()
    page.locator(".examples button", has_text="3").click()
    A = net.predict(X4)[2]
    shown = numbers(page.locator("#numbers .result").inner_text().partition("y₃")[2])
    jacobian = np.diag(A) - np.outer(A, A)
    first_row = [x for x in shown if abs(x) < 1][:3]
    np.testing.assert_allclose(first_row, jacobian[0], atol=6e-4)
    page.locator("#chips button", has_text=re.compile("^B2·B3$")).click()
    page.locator("#numbers .result td").nth(3).hover()
    assert "of example 2" in page.inner_text("#numbers")


def test_differences_stand_beside_each_gradient(page):
    for equation in ("B5", "B8"):
        page.locator("#chips button", has_text=re.compile(f"^{equation}$")).last.click()
        assert "✓ agrees" in page.inner_text("#check")
        assert page.locator("#check table").count() == 1


# -- training and touching ---------------------------------------------------------------------


def test_the_slider_moves_everything(page):
    page.click("#next")
    before = page.inner_text("#numbers"), page.inner_text("#cost-now")
    boundary = "document.querySelector('#boundary canvas').toDataURL()"
    picture = page.evaluate(boundary)
    page.locator("#moment").fill("40")
    after = page.inner_text("#numbers"), page.inner_text("#cost-now")
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert page.evaluate(boundary) != picture
    assert page.get_attribute("#moment", "aria-valuetext").startswith("step 80")
    page.click("#reset")
    assert (page.inner_text("#numbers"), page.inner_text("#cost-now")) == before


def test_training_plays(page):
    page.clock.install()
    page.click("#train")
    page.clock.run_for(50 * 160)
    assert page.inner_text("#moment-words").startswith("step 80 of 80")
    assert "Play" in page.inner_text("#train")


def test_a_changed_weight_changes_J_and_all_gradients(page, net):
    field(page, "W[1], unit 2, input x₂").fill("-0.75")
    changed = net.with_theta(net.theta.copy())
    changed.W[1][1, 1] = -0.75
    explanation = bp.explain(changed, X4, XOR, learning_rate=0.5)
    J = float(explanation["J"].value)
    assert page.evaluate("values.J[0][0]") == pytest.approx(J, abs=1e-12)
    assert float(page.inner_text("#cost-now")) == pytest.approx(J, abs=6e-4)
    for symbol in ("∂J/∂W[1]", "∂J/∂b[1]", "∂J/∂W[2]", "∂J/∂b[2]"):
        shown = page.evaluate("name => values[name].flat()", symbol)
        np.testing.assert_allclose(shown, explanation[symbol].value.ravel(), atol=1e-12)
    assert "→" in page.inner_text("#touched")
    assert page.locator("[data-gradient] td.changed").count() > 5
    assert "your own numbers" in page.inner_text("#moment-words")


def test_a_changed_input_and_target(page, net):
    field(page, "X, example 2, input x₁").fill("1.5")
    field(page, "Y, example 4, output y₁").fill("1")
    X, Y = X4.copy(), XOR.copy()
    X[1, 0], Y[3] = 1.5, 1
    J = float(net.cost(net.forward(X), Y))
    assert page.evaluate("values.J[0][0]") == pytest.approx(J, abs=1e-12)


def test_a_field_that_is_empty_changes_nothing(page):
    J = page.inner_text("#cost-now")
    field(page, "W[1], unit 1, input x₁").fill("")
    assert page.inner_text("#cost-now") == J
    page.click("#reset")
    assert field(page, "W[1], unit 1, input x₁").input_value() != ""


def test_one_step_is_gradient_descent(page, net):
    page.locator("#alpha").fill("0.25")
    for _ in range(3):
        page.click("#one-step")
        bp.SGD(0.25).update(net, net.backward(net.forward(X4), XOR))
    for l in (1, 2):
        for letter, part in (("W", net.W[l]), ("b", net.b[l])):
            shown = page.evaluate("name => values[name].flat()", f"{letter}[{l}]")
            np.testing.assert_allclose(shown, HOST.to_numpy(part).ravel(), atol=1e-12)
    assert page.locator("#curve .own").get_attribute("points").count(",") == 4


def test_an_activation_of_ones_own_is_shown_as_recorded(opened, rng):
    cube = bp.Activation("cube", lambda xp, z: z**3, lambda xp, z, a: 3 * z**2)
    net = random_network(HOST, rng, [2, 3, 1], hidden=cube)
    page = opened(bp.explain(net, X4, XOR, learning_rate=0.2), steps=48)
    assert "own function" in page.inner_text("#touch-words")
    assert field(page, "W[1], unit 1, input x₁").is_disabled()
    assert page.locator("#one-step").is_disabled()
    page.locator("#moment").fill("16")
    for _ in range(48):
        bp.SGD(0.2).update(net, net.backward(net.forward(X4), XOR))
    explanation = bp.explain(net, X4, XOR, learning_rate=0.2)
    for symbol in ("A[1]", "∂A[1]/∂Z[1]", "J", "∂J/∂W[1]"):
        shown = page.evaluate("name => values[name].flat()", symbol)
        np.testing.assert_allclose(shown, explanation[symbol].value.ravel(), atol=1e-9)


# -- for everybody -----------------------------------------------------------------------------


def test_what_users_supply_is_text(opened, rng):
    evil = "</script><img src=x onerror='window.hacked=1'><!--"
    g = bp.Activation(evil, lambda xp, z: xp.tanh(z), lambda xp, z, a: 1 - a * a)
    net = random_network(HOST, rng, [2, 3, 1], hidden=g)
    page = opened(bp.explain(net, X4, XOR), steps=2, features=(evil, "<b>w</b>"), outputs=[evil])
    for _ in page.evaluate("PAGE.steps"):
        page.click("#next")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, main b").count() == 0
    assert page.evaluate("PAGE.features") == [evil[:60], "<b>w</b>"]
    assert "<b>w</b>" in page.inner_text("#fields")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sizes", [[2, 3, 1], [8, 8, 8, 8, 8]], ids=["small", "large"])
def test_nothing_is_cut_off(opened, rng, size, scheme, sizes):
    """The page never scrolls sideways, and every number fits its place."""
    net = random_network(HOST, rng, sizes, output="sigmoid")
    Y = rng.integers(0, 2, (8, sizes[-1]))
    width, height = SIZES[size]
    explanation = bp.explain(net, rng.normal(size=(8, sizes[0])), Y)
    page = opened(explanation, steps=40, width=width, height=height, scheme=scheme)
    cut = """() => [...document.querySelectorAll("td, input[type=number], button")]
        .filter(place => place.offsetParent && place.scrollWidth > place.clientWidth + 2)
        .map(place => place.outerHTML)"""
    for _ in page.evaluate("PAGE.steps"):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(cut) == []
        page.click("#next")


def test_everything_has_a_name_for_screen_readers(page):
    script = """() => [...document.querySelectorAll("button, input, canvas, svg, th[scope]")]
        .filter(e => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
        .map(e => e.outerHTML)"""
    for _ in range(4):
        assert page.evaluate(script) == []
        page.click("#next")
    assert page.inner_text("#announced") == "F4: A[2]"
    assert page.get_attribute("html", "lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(opened, net, scheme):
    """A contrast of at least 4.5 between text and what is behind it (WCAG AA)."""
    page = opened(bp.explain(net, X4, XOR), steps=2, scheme=scheme)
    script = """() => {
        const style = getComputedStyle(document.documentElement);
        const names = ["paper", "panel", "ink", "soft", "forward", "back", "update",
                       "forward-tint", "back-tint", "update-tint", "parameter", "given"];
        return Object.fromEntries(names.map(n => [n, style.getPropertyValue("--" + n).trim()]));
      }"""
    colours = page.evaluate(script)
    pairs = [
        *((ink, paper) for ink in ("ink", "soft") for paper in ("paper", "panel", "parameter")),
        *((hue, paper) for hue in ("forward", "back", "update") for paper in ("paper", "panel")),
        *(("ink", f"{hue}-tint") for hue in ("forward", "back", "update")),
    ]
    for ink, paper in pairs:
        assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)


def contrast(one, other):
    def light(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)
