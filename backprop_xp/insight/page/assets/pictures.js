// Pictures of a network with two inputs over the plane, and the curve of J.

const BLUE = [0, 114, 178];
const VERMILLION = [213, 94, 0];
const PALETTE = [BLUE, VERMILLION, [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233], [110, 110, 110], [0, 0, 0]];
const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

// The rectangle that holds the examples, with a margin.
function plane(X) {
  return [0, 1].map((k) => {
    const all = X.map((x) => x[k]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const margin = 0.25 * (high - low) || 1;
    return [low - margin, high + margin];
  });
}

// The centres of the points of a grid, row by row from the top.
function gridPoints([[left, right], [bottom, top]], size) {
  const points = [];
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      points.push([
        left + ((c + 0.5) / size) * (right - left),
        top - ((r + 0.5) / size) * (top - bottom),
      ]);
    }
  }
  return points;
}

// A number as a colour: blue below the middle, vermillion above it.
function shade(x, middle, reach) {
  const strength = Math.min(1, Math.abs(x - middle) / (reach || 1)) * 0.75;
  const neutral = isDark() ? [40, 44, 48] : [255, 255, 255];
  const hue = x > middle ? VERMILLION : BLUE;
  return neutral.map((n, c) => n + strength * (hue[c] - n));
}

function paint(canvas, colours, size) {
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  for (const [n, [r, g, b]] of colours.entries()) image.data.set([r, g, b, 255], 4 * n);
  context.putImageData(image, 0, 0);
}

// A number for each point of the grid, as colours around the middle of what it can be.
function paintMap(canvas, numbers, size) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const middle = low < 0 && high > 0 ? 0 : (low + high) / 2;
  const reach = Math.max(high - middle, middle - low);
  paint(canvas, numbers.map((x) => shade(x, middle, reach)), size);
}

// What the network answers over the plane: one output as a colour, several as the largest.
function boundaryColours(A, middle) {
  if (A[0].length === 1) {
    const reach = PAGE.classes ? 0.5 : Math.max(...A.map(([a]) => Math.abs(a - middle)));
    return A.map(([a]) => shade(a, middle, reach));
  }
  const neutral = isDark() ? [40, 44, 48] : [255, 255, 255];
  return A.map((a) => {
    const k = a.indexOf(Math.max(...a));
    const lead = a[k] - Math.max(...a.filter((_, n) => n !== k));
    return neutral.map((n, c) => n + (0.2 + 0.5 * Math.min(1, lead)) * (PALETTE[k][c] - n));
  });
}

// The examples on top: circles and triangles, in the colours of their targets.
function drawExamples(canvas, bounds, X, kinds) {
  const [context, size] = [canvas.getContext("2d"), canvas.width];
  for (const [i, x] of X.entries()) {
    const [u, v] = bounds.map(([low, high], k) => ((x[k] - low) / (high - low)) * size);
    const r = size / 34;
    context.beginPath();
    if (kinds[i] % 2) {
      context.moveTo(u, size - v - 1.25 * r);
      context.lineTo(u + 1.2 * r, size - v + r);
      context.lineTo(u - 1.2 * r, size - v + r);
      context.closePath();
    } else context.arc(u, size - v, r, 0, 2 * Math.PI);
    context.fillStyle = `rgb(${PALETTE[kinds[i]]})`;
    context.fill();
    context.lineWidth = size / 200;
    context.strokeStyle = "white";
    context.stroke();
  }
}

// A line where the numbers on the grid cross 0, through each square between four neighbours.
function drawBorder(canvas, numbers, size) {
  const context = canvas.getContext("2d");
  const unit = canvas.width / size;
  const point = (n) => [((n % size) + 0.5) * unit, (Math.floor(n / size) + 0.5) * unit];
  context.strokeStyle = isDark() ? "white" : "black";
  context.lineWidth = canvas.width / 160;
  context.beginPath();
  for (let n = 0; n < size * (size - 1); n++) {
    if ((n + 1) % size === 0) continue;
    const corners = [n, n + 1, n + size + 1, n + size];
    const crossings = corners.flatMap((here, side) => {
      const next = corners[(side + 1) % 4];
      const [a, b] = [numbers[here], numbers[next]];
      if (a > 0 === b > 0) return [];
      const [p, q] = [point(here), point(next)];
      return [p.map((x, c) => x + (a / (a - b)) * (q[c] - x))];
    });
    for (let c = 0; c + 1 < crossings.length; c += 2) {
      context.moveTo(...crossings[c]);
      context.lineTo(...crossings[c + 1]);
    }
  }
  context.stroke();
}

// J over the steps as SVG, with a dot at the step shown.
function curve(steps, J, now, own) {
  const [width, height, left, bottom] = [400, 200, 56, 24];
  const most = Math.max(...J, ...own.map(([, y]) => y)) * 1.06 || 1;
  const last = Math.max(steps.at(-1), ...own.map(([x]) => x), 1);
  const x = (step) => left + (step / last) * (width - left - 12);
  const y = (cost) => 8 + (1 - cost / most) * (height - bottom - 8);
  const line = (points) => points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
  const ticks = [0, most / 2 / 1.06, most / 1.06].map(
    (cost) => `<text x="${left - 6}" y="${y(cost) + 4}" text-anchor="end">${format(cost)}</text>`,
  );
  const template = document.createElement("template");
  template.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="J falls from
    ${format(J[0])} to ${format(J.at(-1))} in ${steps.at(-1)} steps">
    <path class="axis" fill="none" d="M${left} 8V${height - bottom}H${width - 12}"/>${ticks.join("")}
    <text x="${left}" y="${height - 6}">0</text>
    <text x="${width - 12}" y="${height - 6}" text-anchor="end">step ${last}</text>
    <polyline class="line" points="${line(steps.map((step, n) => [step, J[n]]))}"/>
    <polyline class="own" points="${line(own)}"/>
    <circle class="dot" cx="${x(now[0])}" cy="${y(Math.min(now[1], most))}" r="5"/></svg>`;
  return template.content.firstElementChild;
}
