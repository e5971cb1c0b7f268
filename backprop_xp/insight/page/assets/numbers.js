// Numbers as people read them, as text and as MathML.

// Digits that suit a whole matrix, by its largest entry.
function digitsFor(M) {
  const finite = M.flat(3).filter(Number.isFinite);
  const scale = largest(finite);
  if (scale && !(scale >= 1e-3 && scale < 1e4)) return "e";
  if (finite.every(Number.isInteger)) return 0;
  const digits = scale >= 0.2 ? 3 : scale >= 0.02 ? 4 : 5;
  return Math.max(...M.map((row) => row.length ?? 1)) > 5 ? digits - 1 : digits; // wide ones
}

function format(x, digits = digitsFor([[x]])) {
  if (Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const text = digits === "e" ? x.toExponential(1) : x.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("e+", "e").replace(/-/g, "−");
}

// Elements of HTML and MathML: element("td", {class: "number"}, "0.5").
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}
function math(tag, attributes = {}, ...children) {
  return filled(
    document.createElementNS("http://www.w3.org/1998/Math/MathML", tag),
    attributes,
    children,
  );
}
function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const mn = (x, digits) => math("mn", {}, format(x, digits));
const mo = (sign) => math("mo", {}, sign);
// A number within a formula: negative ones in brackets.
function term(x, digits) {
  return x < 0 ? math("mrow", {}, mo("("), mn(x, digits), mo(")")) : mn(x, digits);
}

// Python's MathML, which has escaped what users supply.
function formula(markup) {
  const box = document.createElement("template");
  box.innerHTML = markup;
  return box.content.firstElementChild;
}
const symbolMath = (symbol) => formula(PAGE.symbols[symbol]);

// A formula with numbers in the place of its symbols.
function plugged(markup, numbers) {
  const made = formula(markup);
  for (const place of [...made.querySelectorAll("[data-of]")]) {
    const x = numbers[place.dataset.of];
    if (x === undefined) continue;
    const before = place.previousElementSibling?.textContent;
    const after = place.nextElementSibling?.textContent;
    const bracketed = (before === "(" && after === ")") || before === "|";
    const product = before && /[\d)\]]$/.test(before) ? [mo("·")] : [];
    place.replaceWith(...product, bracketed || !before ? mn(x) : term(x));
  }
  return [...made.children];
}
