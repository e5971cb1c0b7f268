// What the reader may change: weights, biases, inputs, targets and α.

let touched = false;
let before = null; // the values before the last change

function showTouch() {
  for (const input of at("fields").querySelectorAll("input")) {
    if (input === document.activeElement) continue;
    input.value = short(partOf(input)[input.dataset.i][input.dataset.k]);
  }
  if (document.activeElement !== at("alpha")) at("alpha").value = state.alpha;
  for (const box of at("fields").querySelectorAll("[data-gradient]")) {
    const symbol = box.dataset.gradient;
    const last = before?.[symbol];
    const differs = (x, i, k) => last && Math.abs(last[i][k] - x) > 1e-12;
    const digits = digitsFor(values[symbol]);
    const cell = (x, i, k) => element("td", { class: differs(x, i, k) ? "changed" : null }, format(x, digits));
    const table = matrixTable(symbol, values[symbol], { cell });
    table.classList.add("gradient");
    box.replaceChildren(table);
  }
  const J = values.J[0][0];
  const change = before && before.J[0][0] !== J ? `J: ${format(before.J[0][0], 5)} → ${format(J, 5)}` : "";
  at("touched").textContent = touched ? change : "";
}

// A number that fits its field, in the form that fields take.
function short(x) {
  if (x && Math.abs(x) < 1e-3) return x.toExponential(1);
  return Number(Math.abs(x) < 100 ? x.toFixed(4) : x.toPrecision(4));
}

// The matrix that an input writes to.
function partOf(input, from = state) {
  const { letter, l } = input.dataset;
  return l ? from[letter][l] : from[letter];
}

function editable(symbol) {
  const [letter, l] = [symbol[0], symbol.match(/\d+/)?.[0]];
  const cell = (x, i, k) =>
    element(
      "td",
      { class: "edit" },
      element("input", {
        type: "number",
        step: "any",
        required: "",
        "data-letter": letter,
        "data-l": l ?? null,
        "data-i": i,
        "data-k": k,
        "aria-label": `${symbol}, ${cellWords(symbol, i, k)}`,
        oninput: edited,
      }),
    );
  return matrixTable(symbol, values[symbol], { cell });
}

function cellWords(symbol, i, k) {
  const words = axesOf(symbol).map((axis, n) => axis && `${axisWord(axis)} ${axisName(axis, n ? k : i)}`);
  return words.filter(Boolean).join(", ");
}

function edited(event) {
  const { letter, l, i, k } = event.target.dataset;
  const x = event.target.valueAsNumber;
  if (!Number.isFinite(x)) return; // half typed, or no number: the field is marked
  const M = partOf(event.target).map((row) => row.slice());
  M[i][k] = x;
  touched = true;
  const whole = l ? state[letter].map((old, n) => (n === Number(l) ? M : old)) : M;
  change({ ...state, [letter]: whole });
}

function oneStep() {
  const step = ownSteps.length ? ownSteps.at(-1)[0] : RUN.step[moment];
  if (!ownSteps.length) ownSteps.push([step, values.J[0][0]]);
  touched = true;
  const next = update(PAGE, state, values);
  ownSteps.push([step + 1, cost(PAGE, next, forward(PAGE, next)).J]);
  change(next);
}

function startTouch() {
  const own = PAGE.activations.includes(null);
  if (own) {
    at("touch-words").textContent =
      "This network has an activation that is your own function, which this page cannot compute: here it can be looked at, not changed.";
    for (const id of ["alpha", "one-step"]) at(id).disabled = true;
  }
  const field = (title, ...parts) =>
    element("div", { class: "field" }, element("h3", {}, title), element("div", {}, ...parts));
  const gradient = (symbol) => element("div", { "data-gradient": symbol });
  const fields = [field("Examples and targets", editable("X"), editable("Y"))];
  for (let l = 1; l < PAGE.sizes.length; l++) {
    const [W, b] = [`W[${l}]`, `b[${l}]`];
    fields.push(field(`Layer ${l}`, editable(W), gradient(`∂J/∂${W}`), editable(b), gradient(`∂J/∂${b}`)));
  }
  at("fields").append(...fields);
  for (const input of at("fields").querySelectorAll("input")) input.disabled = own;
  at("alpha").addEventListener("input", (event) => {
    const alpha = event.target.valueAsNumber;
    if (alpha > 0 && Number.isFinite(alpha)) change({ ...state, alpha });
  });
  at("one-step").addEventListener("click", oneStep);
  at("reset").addEventListener("click", reset);
}
