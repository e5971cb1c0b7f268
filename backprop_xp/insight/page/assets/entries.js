// One entry of a result: the numbers that made it, and which entries of the operands they are.

const isTransposed = (operand) => operand.endsWith("ᵀ");
const nameOf = (operand) => operand.replace(/ᵀ$/, "");
const valueOf = (operand, values) =>
  isTransposed(operand) ? transpose(values[nameOf(operand)]) : values[operand];

const everyEntry = () => () => true;
const samePlace = (i, k) => (r, c) => r === i && c === k;

// operation → for the entry (i, k): which entries of operand number n it is made of, and its maths.
const OPERATIONS = {
  // Row times column, plus what is added.
  product: {
    uses: (i, k, n) =>
      [(r) => r === i, (r, c) => c === k, (r, c, M) => c === k && (r === i || M.length === 1)][n],
    made: (step, values, i, k) => {
      const [left, right, added] = step.operands.map((operand) => valueOf(operand, values));
      const [a, b] = [digitsFor(left), digitsFor(right)];
      const pairs = left[i].map((x, n) => [term(x, a), mo("·"), term(right[n][k], b)]);
      const sum = pairs.flatMap((pair, n) => (n ? [mo("+"), ...pair] : pair));
      return added ? [...sum, mo("+"), term(added[added.length === 1 ? 0 : i][k], 3)] : sum;
    },
  },
  elementwise: {
    uses: samePlace,
    made: (step, values, i, k) => {
      const numbers = { m: PAGE.X.length, α: state.alpha };
      for (const operand of step.operands) numbers[operand] = values[operand][i][k];
      return plugged(step.formula[0], numbers);
    },
  },
  entries: {
    uses: samePlace,
    made: (step, values, i, k) => {
      const [left, right] = step.operands.map((operand) => values[operand][i][k]);
      return [term(left), mo("·"), term(right)];
    },
  },
  softmax: {
    uses: (i) => (r) => r === i,
    made: (step, values, i, k) => {
      const power = (z) => math("msup", {}, math("mi", {}, "e"), mn(z));
      const z = values[step.operands[0]][i];
      const below = z.flatMap((entry, n) => (n ? [mo("+"), power(entry)] : [power(entry)]));
      return [math("mfrac", {}, power(z[k]), math("mrow", {}, ...below))];
    },
  },
  jacobian: {
    uses: (i, k) => (r, c) => r === shownExample && (c === i || c === k),
    made: (step, values, i, k) => {
      const a = values[step.operands[0]][shownExample];
      return [term(a[i]), mo("("), mn(i === k ? 1 : 0), mo("−"), term(a[k]), mo(")")];
    },
  },
  "through jacobian": {
    uses: (i, k, n) => (n ? (r, c) => c === k : (r) => r === i),
    made: (step, values, i, k) => {
      const [dA, slopes] = step.operands.map((operand) => values[operand]);
      return dA[i].flatMap((d, n) => {
        const pair = [term(d), mo("·"), term(slopes[i][n][k])];
        return n ? [mo("+"), ...pair] : pair;
      });
    },
  },
  same: { uses: samePlace, made: () => [] },
  ones: { uses: samePlace, made: () => [] },
  columns: {
    uses: (i, k) => (r, c) => c === k,
    made: (step, values, i, k) => {
      const M = values[step.operands[0]];
      return M.flatMap((row, n) => (n ? [mo("+"), term(row[k])] : [term(row[k])]));
    },
  },
  mean: {
    uses: everyEntry,
    made: (step, values) => {
      const all = values.j.flat();
      const sum = all.flatMap((x, n) => (n ? [mo("+"), term(x)] : [term(x)]));
      const penalty = values.J[0][0] - sumOf(values.j) / values.j.length;
      const added = PAGE.l1 || PAGE.l2 ? [mo("+"), term(penalty)] : [];
      return [math("mfrac", {}, mn(1), mn(values.j.length)), mo("("), ...sum, mo(")"), ...added];
    },
  },
  again: { uses: everyEntry, made: () => [] },
};

// "Z[1] of example 2, unit 3 = …" as MathML.
function entryMath(step, values, i, k) {
  const result = resultOf(step, values);
  const [rows, columns] = [result.length, result[0].length];
  const index = [rows > 1 ? i + 1 : null, columns > 1 ? k + 1 : null].filter((n) => n !== null);
  const name = [bracketed(symbolMath(step.symbol), index.length > 0)];
  const head = index.length
    ? [math("msub", {}, ...name, math("mn", {}, index.join(",")))]
    : name;
  const made = OPERATIONS[step.operation].made(step, values, i, k);
  const equals = made.length ? [mo("="), ...made] : [];
  return math("math", { class: "entry" }, ...head, ...equals, mo("="), mn(result[i][k]));
}

// A softmax has a matrix of slopes for each example: the one of example i, or the matrix itself.
const ofExample = (value, i) => (Array.isArray(value[0][0]) ? value[i] : value);
const resultOf = (step, values) => ofExample(values[step.symbol], shownExample);
