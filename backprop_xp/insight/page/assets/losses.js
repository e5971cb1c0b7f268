// j of one output (J) and its slope ∂j/∂a (B3) side by side. logA is log a, formed from Z where
// the output activation allows it.

const LOSSES = {
  binary_cross_entropy: {
    value: (z, a, y) => Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z))),
    slope: (a, y) => (a - y) / (a * (1 - a)),
  },
  cross_entropy: { value: (z, a, y, logA) => -y * logA, slope: (a, y) => -y / a },
  squared_error: { value: (z, a, y) => (a - y) ** 2 / 2, slope: (a, y) => a - y },
  absolute_error: { value: (z, a, y) => Math.abs(a - y), slope: (a, y) => Math.sign(a - y) },
  huber: {
    value: (z, a, y) => {
      const e = Math.abs(a - y);
      return e <= 1 ? (e * e) / 2 : e - 0.5;
    },
    slope: (a, y) => Math.max(-1, Math.min(1, a - y)),
  },
  poisson: { value: (z, a, y, logA) => a - y * logA, slope: (a, y) => 1 - y / a },
};

// Output activation → the loss with which ∂j/∂z is simply a − y (B2·B3).
const MATCHED = {
  sigmoid: "binary_cross_entropy",
  softmax: "cross_entropy",
  identity: "squared_error",
};

// Where A has reached its bound, 0/0 stands for the limit from inside.
function slopeOfLoss(loss, a, y) {
  const slope = LOSSES[loss].slope(a, y);
  if (!Number.isNaN(slope)) return slope;
  return LOSSES[loss].slope(a > 0.5 ? 1 - 2 ** -53 : Number.MIN_VALUE, y);
}
