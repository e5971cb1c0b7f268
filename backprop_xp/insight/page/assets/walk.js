// Step through the equations: the edge that is lit, the formula, its numbers, and how one entry of
// the result comes about.

let place = 0; // which step
let chosen = [0, 0]; // which entry of its result
let shownExample = 0; // whose matrix of slopes a softmax shows
let player = null;

const PARTS = {
  given: "given",
  forward: "forward",
  cost: "cost",
  backward: "backward",
  update: "update: one step downhill",
};
const SIGNS = {
  product: ["=", "·"],
  entries: ["=", "∗"],
  "through jacobian": ["=", "·"],
  elementwise: ["from", "and"],
  same: ["=", ""],
};
const at = (id) => document.getElementById(id);

function showStep() {
  const step = PAGE.steps[place];
  at("step").className = `card ${step.part}`;
  at("equation").textContent = step.equation;
  at("part").textContent = PARTS[step.part];
  at("count").textContent = `step ${place + 1} of ${PAGE.steps.length}`;
  const sides = step.formula.flatMap((side) => [mo("="), ...formula(side).children]);
  at("formula").replaceChildren(
    ...(sides.length ? [math("math", {}, ...symbolMath(step.symbol).children, ...sides)] : []),
  );
  at("words").textContent = step.words;
  at("announced").textContent = `${step.equation}: ${step.symbol}`;
  lightGraph(step);
  for (const [n, chip] of [...at("chips").querySelectorAll("button")].entries()) {
    if (n === place) chip.setAttribute("aria-current", "step");
    else chip.removeAttribute("aria-current");
  }
  keepInView(at("chips").children[place], at("chips"));
  showNumbers(step);
  showCheck(step);
}

function lightGraph(step) {
  for (const shape of at("graph").querySelectorAll("[data-edge], [data-node]")) {
    shape.classList.remove("lit", "lit-forward", "lit-back", "lit-update");
    if (!shape.dataset.edge) continue;
    const lit = step.edges.includes(shape.dataset.edge);
    shape.classList.toggle("lit", lit);
    shape.setAttribute("marker-end", `url(#head-${lit ? shape.classList[1] : "pale"})`);
  }
  const kind = { forward: "forward", cost: "forward", backward: "back", update: "update" }[step.part];
  const targets = step.edges.map((edge) => edge.match(/^(.+?)([<>!])(.*)$/));
  for (const [, left, sign, right] of targets) {
    const node = at("graph").querySelector(`[data-node="${sign === ">" ? right : left}"]`);
    node.classList.add(`lit-${kind}`);
    keepInView(node, at("graph-box"));
  }
}

// Scroll a box sideways, never the page.
function keepInView(inner, box) {
  const [a, b] = [inner.getBoundingClientRect(), box.getBoundingClientRect()];
  if (a.left < b.left || a.right > b.right) {
    box.scrollLeft += (a.left + a.right) / 2 - (b.left + b.right) / 2;
  }
}

function showNumbers(step) {
  const numbers = at("numbers");
  if (step.operation === "given" || step.operation === "chain") {
    const sign = step.operation === "chain" ? "·" : "";
    const shown = step.operands.map((name, n) =>
      signed(n ? sign : "", matrixTable(name, ofExample(values[name], 0))),
    );
    numbers.replaceChildren(...shown);
    at("entry").replaceChildren();
    return;
  }
  const result = resultOf(step, values);
  chosen = [Math.min(chosen[0], result.length - 1), Math.min(chosen[1], result[0].length - 1)];
  const shown = [matrixTable(step.symbol, result, { result: true })];
  for (const [n, operand] of step.operands.entries()) {
    const whole = valueOf(operand, values);
    const value = ofExample(whole, chosen[0]);
    const note = value === whole ? "" : `, of example ${chosen[0] + 1}`;
    shown.push(signed(signBefore(step, n), matrixTable(operand, value, { operand: n, note })));
  }
  if (step.operation === "jacobian") shown.push(examplePicker());
  numbers.replaceChildren(...shown);
  choose(...chosen);
}

// What stands before operand number n.
function signBefore(step, n) {
  if (n === 2) return "+";
  const [first, second] = SIGNS[step.operation] ?? ["from", ""];
  return n ? second : first;
}
const signed = (sign, table) =>
  element("div", { class: "signed" }, ...(sign ? [element("span", { class: "sign" }, sign)] : []), table);

function examplePicker() {
  const buttons = PAGE.X.map((_, i) =>
    element(
      "button",
      { type: "button", "aria-pressed": i === shownExample, onclick: () => pickExample(i) },
      `${i + 1}`,
    ),
  );
  return element("div", { class: "examples" }, "example ", ...buttons);
}

function pickExample(i) {
  shownExample = i;
  showStep();
}

// Light an entry of the result and the entries that made it, and write out how.
function choose(i, k) {
  const step = PAGE.steps[place];
  const rowChanged = i !== chosen[0];
  chosen = [i, k];
  if (step.operation === "through jacobian" && rowChanged) return showNumbers(step);
  for (const table of at("numbers").querySelectorAll("table")) {
    const M = cellsOf(table);
    const operand = table.dataset.operand;
    const used = operand && OPERATIONS[step.operation].uses(i, k, Number(operand));
    for (const [r, row] of M.entries()) {
      for (const [c, cell] of row.entries()) {
        const here = !operand && r === i && c === k;
        cell.classList.toggle("chosen", here);
        cell.classList.toggle("used", Boolean(used && used(r, c, M)));
        if (!operand) cell.tabIndex = here ? 0 : -1;
      }
    }
  }
  at("entry").replaceChildren(
    element("p", {}, entryWords(step.symbol, i, k)),
    entryMath(step, values, i, k),
  );
}

const cellsOf = (table) =>
  [...table.querySelectorAll("tr")].map((row) => [...row.querySelectorAll("td")]).filter((r) => r.length);

// "example 2, unit 3" of an entry.
function entryWords(symbol, i, k) {
  const [rows, columns] = axesOf(symbol);
  const words = [rows && `${axisWord(rows)} ${axisName(rows, i)}`, columns && `${axisWord(columns)} ${axisName(columns, k)}`];
  const told = words.filter(Boolean).join(", ");
  return told ? `How the chosen entry comes about (${told}):` : "How it comes about:";
}

const axesOf = (operand) => {
  const axes = PAGE.axes[nameOf(operand)];
  return isTransposed(operand) ? [axes[1], axes[0]] : axes;
};
const axisWord = (axis) =>
  axis === "m" ? "example" : axis === "0" ? "input" : Number(axis) === PAGE.sizes.length - 1 ? "output" : "unit";
function axisName(axis, n) {
  if (axis === "0") return PAGE.features[n];
  if (Number(axis) === PAGE.sizes.length - 1) return PAGE.outputs[n];
  return `${n + 1}`;
}

// A matrix with its symbol, its shape and the names of its rows and columns.
function matrixTable(operand, M, { result = false, operand: number = null, cell = null, note = "" } = {}) {
  const [rows, columns] = axesOf(operand);
  const digits = digitsFor(M);
  const name = symbolMath(nameOf(operand));
  if (isTransposed(operand)) {
    name.replaceChildren(math("msup", {}, bracketed(name, true), math("mi", {}, "T")));
  }
  const caption = element("caption", {}, name, element("small", {}, `${M.length} × ${M[0].length}${note}`));
  const heads = M[0].map((_, k) => headCell(columns, k, "col"));
  const top = columns ? [element("tr", {}, ...(rows ? [element("th")] : []), ...heads)] : [];
  const body = M.map((row, i) => {
    const cells = row.map((x, k) => (cell ? cell(x, i, k) : element("td", {}, format(x, digits))));
    return element("tr", {}, ...(rows ? [headCell(rows, i, "row")] : []), ...cells);
  });
  const table = element(
    "table",
    { class: `matrix${result ? " result" : ""}`, "data-operand": number, "data-symbol": operand },
    caption,
    ...top,
    ...body,
  );
  if (result) listen(table);
  return table;
}

// A fraction such as ∂J/∂Z gets brackets before something is written above or below it.
function bracketed(name, needed) {
  const inside = math("mrow", {}, ...name.children);
  const isFraction = needed && inside.querySelector("mfrac");
  return isFraction ? math("mrow", {}, mo("("), inside, mo(")")) : inside;
}

function headCell(axis, n, scope) {
  const name = axisName(axis, n);
  const word = axisWord(axis);
  return element("th", { scope, title: `${word} ${name}`, "aria-label": `${word} ${name}` }, name);
}

// Pointing at an entry, or reaching it with the arrow keys, chooses it.
function listen(table) {
  const find = (cell) => {
    const M = cellsOf(table);
    const i = M.findIndex((row) => row.includes(cell));
    return i < 0 ? null : [i, M[i].indexOf(cell)];
  };
  const onto = (event) => {
    const found = find(event.target.closest("td"));
    if (found && String(found) !== String(chosen)) choose(...found);
  };
  table.addEventListener("mouseover", onto);
  table.addEventListener("click", onto);
  table.addEventListener("focusin", onto);
  table.addEventListener("keydown", (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const cell = cellsOf(table)[chosen[0] + by[0]]?.[chosen[1] + by[1]];
    if (!cell) return;
    cell.tabIndex = 0;
    cell.focus();
    if (!cell.isConnected) at("numbers").querySelector(".result .chosen").focus();
  });
}

// The finite differences of a gradient: Python's own as long as nothing was changed.
function showCheck(step) {
  const box = at("check");
  box.replaceChildren();
  if (!step.gradient) return;
  const found = checked(step.symbol);
  if (!found) return box.append("Its finite differences were taken at the first moment alone.");
  const passed = found.error <= TOLERANCE;
  const verdict = passed ? "✓ agrees" : "✗ differs";
  box.append(
    element("span", { class: passed ? "passed" : "failed" }, verdict),
    ` with central differences of J (relative error ${format(found.error, "e")}):`,
    matrixTable(step.symbol, found.difference),
  );
}

function checked(symbol) {
  if (!PAGE.activations.includes(null)) return checkGradient(PAGE, state, values, symbol);
  if (moment !== 0) return null;
  const gradient = values[symbol];
  const numbers = unpack(PAGE.differences[symbol]);
  return {
    difference: reshape(numbers, gradient.length, gradient[0].length),
    error: PAGE.check.error,
  };
}

// -- moving ------------------------------------------------------------------------------------

function go(to) {
  place = Math.max(0, Math.min(PAGE.steps.length - 1, to));
  showStep();
}

function play(on) {
  clearInterval(player);
  player = null;
  if (on) {
    if (place === PAGE.steps.length - 1) go(0);
    player = setInterval(() => (place < PAGE.steps.length - 1 ? go(place + 1) : play(false)), 1800);
  }
  at("play").textContent = player ? "‖ Pause" : "▶ Play";
}

function startWalk() {
  at("chips").append(
    ...PAGE.steps.map((step, n) => {
      const label = `${step.equation}: ${step.symbol}`;
      const attributes = { type: "button", class: step.part, title: label, "aria-label": label };
      attributes.onclick = () => (play(false), go(n));
      return element("li", {}, element("button", attributes, step.equation));
    }),
  );
  const moves = {
    first: () => 0,
    previous: () => place - 1,
    next: () => place + 1,
    last: () => PAGE.steps.length - 1,
  };
  for (const [id, to] of Object.entries(moves)) {
    at(id).addEventListener("click", () => (play(false), go(to())));
  }
  at("play").addEventListener("click", () => play(!player));
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input") || event.ctrlKey || event.altKey || event.metaKey) return;
    const id = { ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last", p: "play" }[event.key];
    if (!id) return;
    event.preventDefault();
    at(id).click();
  });
}
