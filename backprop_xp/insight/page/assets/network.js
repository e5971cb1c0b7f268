// The fully connected network, equation by equation: forward (F1–F4), cost (J), backward (B1–B8),
// update (U1–U4). W[l] and b[l] count from 1, as in the article. `own` holds A and g'(Z) of layers
// whose g is the user's own Python function.

function parameters(net, theta) {
  const [W, b] = [[null], [null]];
  let start = 0;
  for (let l = 1; l < net.sizes.length; l++) {
    const [n, below] = [net.sizes[l], net.sizes[l - 1]];
    W.push(reshape(theta.slice(start, start + n * below), n, below));
    b.push([theta.slice(start + n * below, start + n * below + n)]);
    start += n * below + n;
  }
  return { W, b };
}

function forward(net, { W, b, X, own }) {
  const [Z, A] = [[null], [X]];
  for (let l = 1; l < W.length; l++) {
    Z[l] = matmul(A[l - 1], transpose(W[l])).map((z) => z.map((x, k) => x + b[l][0][k])); // F1, F3
    A[l] = activate(net.activations[l - 1], Z[l], own?.[l]?.A); // F2, F4
  }
  return { Z, A };
}

function activate(g, Z, ownA) {
  if (g === null) return ownA;
  return g === "softmax" ? softmax(Z) : entrywise(ACTIVATIONS[g].value, Z);
}

function cost(net, { W, Y }, { Z, A }) {
  const L = W.length - 1;
  const j = entrywise(LOSSES[net.loss].value, Z[L], A[L], Y, logOutput(net, Z[L], A[L]));
  let J = sumOf(j) / Y.length; // mean over the examples, sum over the outputs
  for (const weights of W.slice(1)) {
    J += (net.l2 / 2) * sumOf(entrywise((w) => w * w, weights));
    J += net.l1 * sumOf(entrywise(Math.abs, weights));
  }
  return { j, J };
}

function logOutput(net, Z, A) {
  const g = net.activations.at(-1);
  if (g === "softmax") return logSoftmax(Z);
  return ACTIVATIONS[g]?.log ? entrywise(ACTIVATIONS[g].log, Z) : entrywise(Math.log, A);
}

// Every factor of the chain rule and every gradient, by its symbol.
function backward(net, { W, Y, own }, { Z, A }) {
  const [L, m, found] = [W.length - 1, Y.length, {}];
  const g = net.activations[L - 1];
  const slopes = (l) => slopesOf(net.activations[l - 1], Z[l], A[l], own?.[l]?.slope);
  found[`∂J/∂A[${L}]`] = entrywise((a, y) => slopeOfLoss(net.loss, a, y) / m, A[L], Y); // B3
  found[`∂A[${L}]/∂Z[${L}]`] = g === "softmax" ? jacobians(A[L]) : slopes(L); // B2
  let dZ = outputGradient(net, Z[L], A[L], Y, found[`∂J/∂A[${L}]`], found[`∂A[${L}]/∂Z[${L}]`]);
  for (let l = L; l > 0; l--) {
    if (l < L) {
      found[`∂Z[${l + 1}]/∂A[${l}]`] = W[l + 1];
      found[`∂J/∂A[${l}]`] = matmul(dZ, W[l + 1]); // B7
      found[`∂A[${l}]/∂Z[${l}]`] = slopes(l);
      dZ = entrywise((dA, slope) => dA * slope, found[`∂J/∂A[${l}]`], slopes(l)); // B7, B8
    }
    found[`∂J/∂Z[${l}]`] = dZ;
    found[`∂Z[${l}]/∂W[${l}]`] = A[l - 1]; // B4
    found[`∂Z[${l}]/∂b[${l}]`] = [Y.map(() => 1)];
    const penalty = entrywise((w) => net.l2 * w + net.l1 * Math.sign(w), W[l]);
    if (net.l2 || net.l1) found[`∂penalty/∂W[${l}]`] = penalty;
    found[`∂J/∂W[${l}]`] = entrywise((d, p) => d + p, matmul(transpose(dZ), A[l - 1]), penalty); // B5
    found[`∂J/∂b[${l}]`] = sumColumns(dZ); // B6
  }
  return found;
}

function slopesOf(g, Z, A, ownSlope) {
  return g === null ? ownSlope : entrywise(ACTIVATIONS[g].slope, Z, A);
}

// B2·B3 in the form that neither divides 0 by 0 nor overflows.
function outputGradient(net, Z, A, Y, dA, slope) {
  const [g, m] = [net.activations.at(-1), Y.length];
  if (MATCHED[g] === net.loss) return entrywise((a, y) => (a - y) / m, A, Y);
  const pullBack = (D) =>
    g === "softmax"
      ? D.map((d, i) => matmul([d], slope[i])[0])
      : entrywise((d, s) => d * s, D, slope);
  if (net.loss !== "poisson" || g === null) return pullBack(dA);
  // j = a − y log a: the logarithm goes back through log g, not through 1/a.
  const ones = pullBack(entrywise(() => 1 / m, A));
  if (g === "softmax") {
    return Y.map((y, i) => {
      const total = y.reduce((sum, x) => sum + x, 0);
      return y.map((x, k) => ones[i][k] - (x - A[i][k] * total) / m);
    });
  }
  return entrywise((o, z, y) => o - (y * ACTIVATIONS[g].logSlope(z)) / m, ones, Z, Y);
}

function update(net, state, gradients) {
  const step = (M, name) =>
    entrywise((w, d) => w - state.alpha * d, M, gradients[`∂J/∂${name}`]); // U1–U4
  const W = state.W.map((M, l) => M && step(M, `W[${l}]`));
  const b = state.b.map((M, l) => M && step(M, `b[${l}]`));
  return { ...state, W, b };
}

// Everything that the page shows, by its symbol.
function evaluate(net, state) {
  const trace = forward(net, state);
  const { j, J } = cost(net, state, trace);
  const values = { X: state.X, Y: state.Y, j, J: [[J]], ...backward(net, state, trace) };
  const next = update(net, state, values);
  for (let l = 1; l < state.W.length; l++) {
    values[`W[${l}]`] = state.W[l];
    values[`b[${l}]`] = state.b[l];
    values[`Z[${l}]`] = trace.Z[l];
    values[`A[${l}]`] = trace.A[l];
    values[`new W[${l}]`] = next.W[l];
    values[`new b[${l}]`] = next.b[l];
  }
  const known = !net.activations.includes(null);
  values["new J"] = [[known ? cost(net, next, forward(net, next)).J : NaN]];
  return values;
}
