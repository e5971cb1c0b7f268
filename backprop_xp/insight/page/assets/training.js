// The slider over the recorded training run, the curve of J, and what the network answers over the
// plane of its two inputs.

let moment = 0; // which recorded moment
let ownSteps = []; // [step, J] of steps that the reader took
let trainer = null;
const RUN = { ...PAGE.training, theta: unpack(PAGE.training.theta) };
const GRID = 50;

function stateAt(n) {
  const size = RUN.theta.length / RUN.step.length;
  const own = {};
  for (const [l, packed] of Object.entries(RUN.own)) {
    const [m, width] = [PAGE.X.length, PAGE.sizes[l]];
    const numbers = unpack(packed).slice(2 * n * m * width, 2 * (n + 1) * m * width);
    const [A, slope] = [numbers.slice(0, m * width), numbers.slice(m * width)];
    own[l] = { A: reshape(A, m, width), slope: reshape(slope, m, width) };
  }
  return { ...parameters(PAGE, RUN.theta.slice(n * size, (n + 1) * size)), own };
}

function goToMoment(n) {
  moment = n;
  ownSteps = [];
  touched = false;
  change({ ...START, alpha: state.alpha, ...stateAt(n) });
}

function showTraining() {
  const J = values.J[0][0];
  const step = RUN.step[moment];
  at("moment").value = moment;
  at("moment").setAttribute("aria-valuetext", `step ${step}, J = ${format(J)}`);
  const words = touched ? "your own numbers" : `step ${step} of ${RUN.step.at(-1)}`;
  at("moment-words").textContent = `${words}: J = ${format(J)}`;
  const now = ownSteps.length ? ownSteps.at(-1) : [step, J];
  at("curve").replaceChildren(curve(RUN.step, RUN.J, now, ownSteps));
  if (PAGE.sizes[0] === 2 && !PAGE.activations.includes(null)) showPlane();
}

function showPlane() {
  const bounds = plane(state.X);
  const points = gridPoints(bounds, GRID);
  const trace = forward(PAGE, { ...state, X: points });
  const L = PAGE.sizes.length - 1;
  const middle = PAGE.classes ? 0.5 : sumOf(state.Y) / state.Y.flat().length;
  const several = PAGE.sizes[L] > 1;
  const kinds = state.Y.map((y) => (several ? y.indexOf(Math.max(...y)) : Number(y[0] > middle)));
  const small = document.createElement("canvas");
  paint(small, boundaryColours(trace.A[L], middle), GRID);
  const canvas = at("boundary").firstElementChild;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (PAGE.classes) {
    // How far each output leads: one output against ½, several against the best of the others.
    const lead = (a, k) => (several ? a[k] - Math.max(...a.filter((_, n) => n !== k)) : a[0] - 0.5);
    for (let k = 0; k < PAGE.sizes[L]; k++) drawBorder(canvas, trace.A[L].map((a) => lead(a, k)), GRID);
  }
  drawExamples(canvas, bounds, state.X, kinds);
  for (const map of at("maps").querySelectorAll("canvas")) {
    const { layer, unit } = map.dataset;
    paintMap(map, trace.A[layer].map((a) => a[unit]), GRID);
  }
}

function makePlane() {
  const [a, b] = PAGE.features;
  const what = PAGE.classes ? "Decision boundary" : "Output";
  at("boundary-words").textContent = `${what} over ${a} → and ${b} ↑`;
  const label = `${what} over ${a} and ${b}: circles and triangles are the examples`;
  at("boundary").append(element("canvas", { width: 500, height: 500, role: "img", "aria-label": label }));
  for (let l = 1; l < PAGE.sizes.length - 1; l++) {
    const units = Array.from({ length: PAGE.sizes[l] }, (_, k) => {
      const canvas = element("canvas", {
        "data-layer": l,
        "data-unit": k,
        role: "img",
        "aria-label": `A[${l}] of unit ${k + 1} over the plane`,
      });
      const name = ["A", k + 1, `[${l}]`].map((part) => math("mi", { mathvariant: "normal" }, part));
      return element("div", {}, canvas, math("math", {}, math("msubsup", {}, ...name)));
    });
    at("maps").append(element("div", { class: "layer" }, ...units));
  }
  at("maps-box").hidden = PAGE.sizes.length === 2;
}

function playTraining(on) {
  clearInterval(trainer);
  trainer = null;
  if (on) {
    if (moment === RUN.step.length - 1) goToMoment(0);
    const next = () => (moment < RUN.step.length - 1 ? goToMoment(moment + 1) : playTraining(false));
    trainer = setInterval(next, 160);
  }
  at("train").textContent = trainer ? "‖ Pause" : "▶ Play";
}

function startTraining() {
  at("moment").max = RUN.step.length - 1;
  at("moment").addEventListener("input", () => (playTraining(false), goToMoment(Number(at("moment").value))));
  at("train").addEventListener("click", () => playTraining(!trainer));
  const own = PAGE.activations.includes(null);
  const why = own
    ? "This page does not know the activation that is your own function: it shows what Python recorded."
    : PAGE.sizes[0] !== 2
      ? `With ${PAGE.sizes[0]} inputs there is no plane to draw a boundary on; two inputs have one.`
      : "";
  at("training-note").textContent = [RUN.note, why].filter(Boolean).join(" ");
  at("boundary-box").hidden = at("maps-box").hidden = Boolean(why);
  if (!why) makePlane();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTraining);
}
