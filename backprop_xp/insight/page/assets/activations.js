// g and its slope g' side by side (F2, F4, B2). Positive ones know log g, too, with its slope, so
// that no loss forms log 0.

const sigmoid = (z) => Math.exp(Math.min(z, 0)) / (1 + Math.exp(-Math.abs(z)));
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

// Φ(z) by the Chebyshev series of Python's normal_cdf; CHEBYSHEV comes with the numbers.
function normalCdf(z) {
  const x = Math.min(Math.abs(z), 50) * Math.sqrt(0.5);
  const t = 2 / (2 + x);
  const s = 2 * t - 1;
  let [now, last] = [0, 0];
  for (const c of CHEBYSHEV.slice(1).reverse()) [now, last] = [2 * s * now - last + c, now];
  const tail = 0.5 * t * Math.exp(s * now - last + CHEBYSHEV[0] - x * x);
  return z > 0 ? 1 - tail : tail;
}
const normalDensity = (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

const ACTIVATIONS = {
  identity: { value: (z) => z, slope: () => 1 },
  sigmoid: {
    value: sigmoid,
    slope: (z, a) => a * (1 - a),
    log: (z) => -softplus(-z),
    logSlope: (z) => sigmoid(-z),
  },
  tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  relu: { value: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  leaky_relu: { value: (z) => Math.max(z, 0.01 * z), slope: (z) => (z > 0 ? 1 : 0.01) },
  elu: { value: (z) => (z > 0 ? z : Math.expm1(z)), slope: (z, a) => (z > 0 ? 1 : a + 1) },
  gelu: {
    value: (z) => z * normalCdf(z),
    slope: (z) => normalCdf(z) + z * normalDensity(z),
  },
  silu: {
    value: (z) => z * sigmoid(z),
    slope: (z, a) => sigmoid(z) + a * (1 - sigmoid(z)),
  },
  softplus: {
    value: softplus,
    slope: sigmoid,
    log: (z) => (z < -37 ? z : Math.log(softplus(z))),
    logSlope: (z) => sigmoid(Math.max(z, -37)) / softplus(Math.max(z, -37)),
  },
};

// softmax looks at the whole row: aᵢ = e^zᵢ / Σ e^z, and its slope is a matrix for each row.
function softmax(Z) {
  return Z.map((z) => {
    const e = z.map((entry) => Math.exp(entry - Math.max(...z)));
    return e.map((entry) => entry / e.reduce((sum, x) => sum + x, 0));
  });
}
function logSoftmax(Z) {
  return Z.map((z) => {
    const shifted = z.map((entry) => entry - Math.max(...z));
    const total = Math.log(shifted.reduce((sum, x) => sum + Math.exp(x), 0));
    return shifted.map((entry) => entry - total);
  });
}
const jacobians = (A) => A.map((a) => a.map((ai, i) => a.map((aj, j) => ai * ((i === j) - aj))));
