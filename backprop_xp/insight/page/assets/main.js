// The state of the page, and what follows when it changes.

const START = { X: PAGE.X, Y: PAGE.Y, alpha: PAGE.alpha, ...stateAt(0) };
let state = START;
let values = evaluate(PAGE, state);

// The one door to new numbers: everything is computed and shown anew.
function change(next) {
  before = values;
  state = next;
  values = evaluate(PAGE, state);
  show();
}

function reset() {
  touched = false;
  moment = 0;
  ownSteps = [];
  change(START);
}

function show() {
  at("cost-now").textContent = format(values.J[0][0]);
  showStep();
  showTraining();
  showTouch();
}

// How far the page's own numbers are from Python's, relative to the largest of each matrix.
function disagreement() {
  let most = 0;
  for (const [symbol, packed] of Object.entries(PAGE.python)) {
    const theirs = unpack(packed);
    const ours = values[symbol].flat(3);
    const scale = Math.max(1, largest(theirs.filter(Number.isFinite)));
    for (const [n, x] of theirs.entries()) {
      if (x !== ours[n] && !Number.isNaN(ours[n])) most = Math.max(most, Math.abs(x - ours[n]) / scale);
    }
  }
  return most;
}

if (Math.max(...PAGE.sizes) > 5) document.body.classList.add("large");
startWalk();
startTraining();
startTouch();
show();
const apart = disagreement();
at("agreement").textContent =
  apart < 1e-9
    ? `The numbers of this page are Python's: they agree to ${apart ? format(apart, "e") : "the last digit"}.`
    : `WARNING: the numbers of this page differ from Python's by ${format(apart, "e")}.`;
