// The Power card: the last 15 minutes as lines, with a readout by mouse, touch and keys, or as a table.

import { serverNow, stale, state } from "../core/live.js";
import { eventBands, SPAN_S, series, tableRows } from "../core/series.js";
import { clock, kw, kwNumber, minuteClock, typed } from "../core/words.js";
import { icon, theme, watchMedia } from "../parts/components.js";
import { html, signal, useEffect, useRef, useSignal } from "../vendor/ui.js";
import uPlot from "../vendor/uplot.js";

const HEIGHT = 168;
const systemDark = watchMedia("(prefers-color-scheme: dark)");
const LINES = [
  ["use", "Measured"],
  ["base", "Base power"],
  ["target", "Target"],
];

/** Index of the point under the cursor, or null. */
const cursor = signal(null);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const columns = () => {
  const { t, power, base, target } = series.value;
  return [t, power, base, target];
};

function window_s() {
  const end = Math.max(series.value.t.at(-1) ?? 0, stale.value ? 0 : serverNow());
  return [end - SPAN_S, end];
}

/** The event as a tinted band behind the lines, its start as a line, its id beside it. */
function drawBands(plot) {
  const { ctx, bbox } = plot;
  const now = state.peek();
  const place = (t) => plot.valToPos(t, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const [from, to] of eventBands(series.peek())) {
    ctx.globalAlpha = 0.09;
    ctx.fillStyle = colour("--c2");
    ctx.fillRect(place(from), bbox.top, place(to) - place(from), bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(place(from), bbox.top, 1.5 * devicePixelRatio, bbox.height);
    const current = now?.binding && to >= series.peek().t.at(-1);
    if (current) drawLabel(plot, now.binding, place(from));
  }
  ctx.restore();
}

function drawLabel({ ctx, bbox }, text, x) {
  ctx.font = `600 ${12 * devicePixelRatio}px Inter, sans-serif`;
  ctx.fillStyle = colour("--shed");
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  const [gap, width] = [6 * devicePixelRatio, ctx.measureText(text).width];
  const fits = x + gap + width <= bbox.left + bbox.width;
  ctx.fillText(text, fits ? x + gap : x - gap - width, bbox.top + 4 * devicePixelRatio);
}

function axes(zone) {
  const common = {
    stroke: colour("--muted"),
    font: "12px Inter, sans-serif",
    ticks: { show: false },
  };
  const grid = { stroke: colour("--line"), width: 1 };
  return [
    {
      ...common,
      grid: { show: false },
      size: 26,
      gap: 6,
      space: 90,
      values: (_, marks) => marks.map((t) => minuteClock(t, zone)),
    },
    {
      ...common,
      grid,
      size: 38,
      gap: 6,
      space: 30,
      values: (_, marks) => marks.map((value) => (value % 1 ? typed(value) : String(value))),
    },
  ];
}

function options(width, zone) {
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
      x: { range: () => window_s() },
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
      setCursor: [(plot) => (cursor.value = plot.cursor.idx ?? null)],
    },
  };
}

/** Puts the cursor on a point, `idx` of the series; null takes it away. */
function moveTo(plot, idx) {
  const t = idx === null ? null : series.peek().t[idx];
  plot.setCursor({ left: t === null ? -10 : Math.max(0, plot.valToPos(t, "x")), top: 0 });
}

function step(plot, key) {
  const last = series.peek().t.length - 1;
  const at = cursor.peek() ?? last;
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

/** `14:21:05: 3.02 kW measured, 5.02 kW base, 3.00 kW target`. */
function readout(idx, zone) {
  const { t, power, base, target } = series.value;
  const at = idx === null || idx >= t.length ? t.length - 1 : idx;
  if (at < 0) return "Nothing recorded yet.";
  const parts = [
    [power, "measured"],
    [base, "base"],
    [target, "target"],
  ]
    .filter(([column]) => column[at] !== null)
    .map(([column, word]) => `${kw(column[at])} ${word}`);
  return `${clock(t[at], zone)}: ${parts.join(", ") || "no reading"}`;
}

function Legend() {
  const aimed = series.value.target.some((value) => value !== null);
  const lines = LINES.filter(([kind]) => kind !== "target" || aimed);
  return html`<ul class="legend">
    ${lines.map(([kind, word]) => html`<li key=${kind}><i class=${`line-sample ${kind}`}></i>${word}</li>`)}
  </ul>`;
}

function Plot({ zone }) {
  const ref = useRef();
  const plot = useRef();
  useEffect(() => {
    const made = new uPlot(options(ref.current.clientWidth, zone), columns(), ref.current);
    plot.current = made;
    const watch = new ResizeObserver(() =>
      made.setSize({ width: ref.current.clientWidth, height: HEIGHT }),
    );
    watch.observe(ref.current);
    const stop = series.subscribe(() => made.setData(columns()));
    return () => {
      stop();
      watch.disconnect();
      made.destroy();
      cursor.value = null;
    };
  }, [theme.value, systemDark.value, zone]);
  const touch = (event) => {
    if (event.pointerType === "mouse") return;
    const { left } = plot.current.over.getBoundingClientRect();
    plot.current.setCursor({ left: event.clientX - left, top: 0 });
  };
  const keys = (event) => {
    if (event.key === "Escape") moveTo(plot.current, null);
    else if (step(plot.current, event.key)) event.preventDefault();
  };
  const last = series.value.t.length - 1;
  return html`<div class="plot" ref=${ref} tabindex="0" role="slider" aria-orientation="horizontal"
    aria-label="Power over the last 15 minutes" aria-valuemin="0" aria-valuemax=${Math.max(last, 0)}
    aria-valuenow=${Math.max(cursor.value ?? last, 0)} aria-valuetext=${readout(cursor.value, zone)}
    onKeyDown=${keys} onPointerDown=${touch} onPointerMove=${touch}
    onBlur=${() => moveTo(plot.current, null)}></div>
    <div class="below-plot">
      <${Legend} />
      <p class="readout numeric" aria-hidden="true">
        ${cursor.value !== null && readout(cursor.value, zone)}
      </p>
    </div>`;
}

function Table({ zone }) {
  const cell = (value) => html`<td class="right numeric">${kwNumber(value)}</td>`;
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Power as a table, in kW">
    <table>
      <thead><tr><th>Time</th>${LINES.map(([, word]) => html`<th class="right">${word}</th>`)}</tr></thead>
      <tbody>${tableRows(series.value).map(
        (row) => html`<tr key=${row.t}>
        <td class="numeric">${clock(row.t, zone)}</td>${cell(row.power)}${cell(row.base)}${cell(row.target)}
      </tr>`,
      )}</tbody>
    </table>
  </div>`;
}

export function ChartCard() {
  const table = useSignal(false);
  const zone = state.value.site.timezone;
  return html`<section class="card chart" aria-labelledby="h-power-chart">
    <header>
      <h2 id="h-power-chart">Power</h2>
      <span class="muted small">last 15 minutes, kW</span>
      <span class="end"><button class="button small" aria-pressed=${String(table.value)}
        onClick=${() => (table.value = !table.value)}>${icon("table-2")}Show as table</button></span>
    </header>
    ${table.value ? html`<${Table} zone=${zone} />` : html`<${Plot} zone=${zone} />`}
  </section>`;
}
