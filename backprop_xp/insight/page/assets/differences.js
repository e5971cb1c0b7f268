// Central differences of J beside every gradient: (J(w + h) − J(w − h)) / 2h.

const STEPS = [1e-5, 1e-4, 1e-7]; // as in Python's check_gradients
const TOLERANCE = 1e-6;

// For ∂J/∂W[l] or ∂J/∂b[l]: the differences, the largest relative error and whether it passes.
function checkGradient(net, state, values, symbol) {
  const [letter, l] = [symbol[4], Number(symbol.match(/\[(\d+)\]/)[1])];
  const gradient = values[symbol];
  const all = Object.keys(values).filter((name) => /^∂J\/∂[Wb]/.test(name));
  const floor = Math.max(1e-3 * largest(all.map((name) => values[name])), 1e-4 * values.J[0][0]);
  const entries = gradient.map((row, i) =>
    row.map((d, k) => difference(net, state, values.J[0][0], letter, l, i, k, d, floor)),
  );
  const error = Math.max(...entries.flat().map((entry) => entry.error));
  return { difference: entrywise((entry) => entry.central, entries), error };
}

function difference(net, state, J, letter, l, i, k, gradient, floor) {
  let best = { central: NaN, error: Infinity };
  for (const h of STEPS) {
    const [up, down] = [h, -h].map((by) => (costAt(net, state, letter, l, i, k, by) - J) / by);
    const central = (up + down) / 2;
    const scale = Math.max(Math.abs(gradient), Math.abs(central), floor) || 1;
    const error = Math.abs(gradient - central) / scale;
    if (error < best.error) best = { central, error };
    if (error <= TOLERANCE) return best;
    // At a kink, such as that of relu at 0, every slope between the two sides is right.
    const slack = 1e-3 * scale;
    const between = Math.min(up, down) - slack <= gradient && gradient <= Math.max(up, down) + slack;
    if (h === STEPS.at(-1) && between && Math.abs(up - down) > 10 * slack) best.error = 0;
  }
  return best;
}

function costAt(net, state, letter, l, i, k, by) {
  const changed = state[letter].slice();
  changed[l] = state[letter][l].map((row) => row.slice());
  changed[l][i][k] += by;
  const there = { ...state, [letter]: changed };
  return cost(net, there, forward(net, there)).J;
}
