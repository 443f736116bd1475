// The Power card: the last 15 minutes as lines, with a readout by mouse, touch and keys, or a table.
import { latest, serverNow, stale, state } from "../core/live.js";
import { kw, kwNumber, typed } from "../core/numbers.js";
import { recent } from "../core/recent.js";
import { eventBands, SPAN_S, tableRows } from "../core/series.js";
import { clock, minuteClock } from "../core/times.js";
import { icon, theme, watchMedia } from "../parts/components.js";
import { html, signal, useEffect, useRef, useSignal } from "../vendor/ui.js";
import uPlot from "../vendor/uplot.js";

const HEIGHT = 168;
const systemDark = watchMedia("(prefers-color-scheme: dark)");
const LINES = [
  ["use", "Measured"],
  ["base", "Normal"],
  ["target", "Target"],
];

/** Index of the point under the cursor. */
const cursor = signal(/** @type {number | null} */ (null));

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** @returns {uPlot.AlignedData} */
const columns = () => {
  const { t, power, base, target } = recent.value;
  return [t, power, base, target];
};

/** @returns {[number, number]} */
function window_s() {
  const end = Math.max(recent.value.t.at(-1) ?? 0, stale.value ? 0 : serverNow());
  return [end - SPAN_S, end];
}

/**
 * The event as a tinted band behind the lines, its start as a line, its id beside it.
 * @param {uPlot} plot
 */
function drawBands(plot) {
  const { ctx, bbox } = plot;
  const binding = state.peek()?.binding;
  /** @param {number} t */
  const x = (t) => plot.valToPos(t, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const [from, to] of eventBands(recent.peek())) {
    ctx.globalAlpha = 0.09;
    ctx.fillStyle = colour("--c2");
    ctx.fillRect(x(from), bbox.top, x(to) - x(from), bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(x(from), bbox.top, 1.5 * devicePixelRatio, bbox.height);
    if (binding && to >= (recent.peek().t.at(-1) ?? 0)) drawLabel(plot, binding, x(from));
  }
  ctx.restore();
}

/** @param {uPlot} plot @param {string} text @param {number} x */
function drawLabel({ ctx, bbox }, text, x) {
  ctx.font = `600 ${12 * devicePixelRatio}px Inter, sans-serif`;
  ctx.fillStyle = colour("--shed");
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  const [gap, width] = [6 * devicePixelRatio, ctx.measureText(text).width];
  const fits = x + gap + width <= bbox.left + bbox.width;
  ctx.fillText(text, fits ? x + gap : x - gap - width, bbox.top + 4 * devicePixelRatio);
}

/** @param {string} zone @returns {uPlot.Axis[]} */
function axes(zone) {
  const font = "12px Inter, sans-serif";
  const common = { stroke: colour("--muted"), font, ticks: { show: false }, gap: 6 };
  const grid = { stroke: colour("--line"), width: 1 };
  return [
    {
      ...common,
      grid: { show: false },
      size: 26,
      space: 90,
      values: (_, marks) => marks.map((t) => minuteClock(t, zone)),
    },
    {
      ...common,
      grid,
      size: 38,
      space: 30,
      values: (_, marks) => marks.map((value) => (value % 1 ? typed(value) : String(value))),
    },
  ];
}

/** @param {number} width @param {string} zone @returns {uPlot.Options} */
function options(width, zone) {
  /** @param {string} name @param {uPlot.Series} more @returns {uPlot.Series} */
  const line = (name, more) => ({
    stroke: colour(name),
    width: 2,
    points: { show: false },
    ...more,
  });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [10, 18, 0, 0],
    tzDate: (t) => uPlot.tzDate(new Date(t * 1000), zone),
    cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { size: 8 } },
    scales: {
      x: { range: window_s },
      y: { range: (_, _low, high) => [0, Math.max(1, Math.ceil(((high || 1) * 1.12) / 2) * 2)] },
    },
    axes: axes(zone),
    series: [
      {},
      line("--c1", { width: 2.25, fill: `color-mix(in srgb, ${colour("--c1")} 9%, transparent)` }),
      line("--muted", { width: 1.5, dash: [6, 5] }),
      line("--c2", { dash: [2, 5], cap: "round" }),
    ],
    hooks: {
      drawClear: [drawBands],
      setCursor: [
        (plot) => {
          cursor.value = plot.cursor.idx ?? null;
        },
      ],
    },
  };
}

/**
 * Puts the cursor on a point of the series; null takes it away.
 * @param {uPlot} plot @param {number | null} index
 */
function moveTo(plot, index) {
  const t = index === null ? null : recent.peek().t[index];
  plot.setCursor({ left: t === null ? -10 : Math.max(0, plot.valToPos(t, "x")), top: 0 });
}

/** @param {uPlot} plot @param {string} key */
function step(plot, key) {
  const last = recent.peek().t.length - 1;
  const at = cursor.peek() ?? last;
  /** @type {Record<string, number>} */
  const by = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    PageUp: at - 12,
    PageDown: at + 12,
    Home: 0,
    End: last,
  };
  if (!(key in by) || last < 0) return false;
  moveTo(plot, Math.max(0, Math.min(last, by[key])));
  return true;
}

/**
 * `14:21:05: 3.02 kW measured, 5.02 kW normal, 3.00 kW target`.
 * @param {number | null} index @param {string} zone
 */
function readout(index, zone) {
  const { t, power, base, target } = recent.value;
  const at = index === null || index >= t.length ? t.length - 1 : index;
  if (at < 0) return "Nothing recorded yet.";
  const values = [power[at], base[at], target[at]];
  const parts = ["measured", "normal", "target"]
    .map((word, i) => (values[i] === null ? null : `${kw(values[i])} ${word}`))
    .filter(Boolean);
  return `${clock(t[at], zone)}: ${parts.join(", ") || "no reading"}`;
}

function Legend() {
  const aimed = recent.value.target.some((value) => value !== null);
  const lines = LINES.filter(([kind]) => kind !== "target" || aimed);
  return html`<ul class="legend">
    ${lines.map(([kind, word]) => html`<li key=${kind}><i class=${`line-sample ${kind}`}></i>${word}</li>`)}
  </ul>`;
}

/** @param {{zone: string}} props */
function Plot({ zone }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {uPlot | null} */ (null));
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const made = new uPlot(options(box.clientWidth, zone), columns(), box);
    plot.current = made;
    const watch = new ResizeObserver(() =>
      made.setSize({ width: box.clientWidth, height: HEIGHT }),
    );
    watch.observe(box);
    const stop = recent.subscribe(() => made.setData(columns()));
    return () => {
      stop();
      watch.disconnect();
      made.destroy();
      cursor.value = null;
    };
  }, [theme.value, systemDark.value, zone]);
  /** @param {PointerEvent} event */
  const touch = (event) => {
    if (event.pointerType === "mouse" || !plot.current) return;
    const { left } = plot.current.over.getBoundingClientRect();
    plot.current.setCursor({ left: event.clientX - left, top: 0 });
  };
  /** @param {KeyboardEvent} event */
  const keys = (event) => {
    if (!plot.current) return;
    if (event.key === "Escape") moveTo(plot.current, null);
    else if (step(plot.current, event.key)) event.preventDefault();
  };
  const leave = () => plot.current && moveTo(plot.current, null);
  const last = recent.value.t.length - 1;
  return html`<div class="plot" ref=${ref} tabindex="0" role="slider" aria-orientation="horizontal"
    aria-label="Power over the last 15 minutes" aria-valuemin="0" aria-valuemax=${Math.max(last, 0)}
    aria-valuenow=${Math.max(cursor.value ?? last, 0)} aria-valuetext=${readout(cursor.value, zone)}
    onKeyDown=${keys} onPointerDown=${touch} onPointerMove=${touch} onBlur=${leave}></div>
    <div class="below-plot">
      <${Legend} />
      <p class="readout numeric" aria-hidden="true">
        ${cursor.value !== null && readout(cursor.value, zone)}
      </p>
    </div>`;
}

/** @param {number | null} value */
const cell = (value) => html`<td class="right numeric">${kwNumber(value)}</td>`;

/** @param {{zone: string}} props */
function Table({ zone }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Power as a table, in kW">
    <table>
      <thead><tr><th>Time</th>${LINES.map(([, word]) => html`<th class="right">${word}</th>`)}</tr></thead>
      <tbody>${tableRows(recent.value).map(
        (row) => html`<tr key=${row.t}>
        <td class="numeric">${clock(row.t, zone)}</td>${cell(row.power)}${cell(row.base)}${cell(row.target)}
      </tr>`,
      )}</tbody>
    </table>
  </div>`;
}

export function ChartCard() {
  const table = useSignal(false);
  const zone = latest().site.timezone;
  const toggle = () => {
    table.value = !table.value;
  };
  return html`<section class="card chart" aria-labelledby="h-power-chart">
    <header>
      <h2 id="h-power-chart">Power</h2>
      <span class="muted small">last 15 minutes, kW</span>
      <span class="end"><button class="button small" aria-pressed=${String(table.value)}
        onClick=${toggle}>${icon("table-2")}Show as table</button></span>
    </header>
    ${table.value ? html`<${Table} zone=${zone} />` : html`<${Plot} zone=${zone} />`}
  </section>`;
}
