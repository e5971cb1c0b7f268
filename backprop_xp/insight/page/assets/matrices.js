// Matrices are arrays of rows. A vector such as b is a matrix of one row, J one of one entry.

const transpose = (M) => M[0].map((_, k) => M.map((row) => row[k]));

const matmul = (A, B) =>
  A.map((row) => B[0].map((_, k) => row.reduce((sum, a, i) => sum + a * B[i][k], 0)));

// f of the entries at the same place, as in f(A, B) = A ∗ B.
const entrywise = (f, ...Ms) =>
  Ms[0].map((row, i) => row.map((_, k) => f(...Ms.map((M) => M[i][k]))));

const sumOf = (M) => M.flat().reduce((sum, x) => sum + x, 0);

const sumColumns = (M) => [M[0].map((_, k) => M.reduce((sum, row) => sum + row[k], 0))];

const largest = (M) => M.flat(3).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

// Numbers that Python has packed as float64 in base64.
function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return [...new Float64Array(bytes.buffer)];
}

function reshape(numbers, rows, columns) {
  return Array.from({ length: rows }, (_, i) => numbers.slice(i * columns, (i + 1) * columns));
}
