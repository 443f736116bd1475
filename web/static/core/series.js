// What the chart shows: the last 15 minutes, seeded by the controller, then kept as the page sees them.
import { effect, signal } from "../vendor/ui.js";
import { ask } from "./api.js";
import { connections, state } from "./live.js";

export const SPAN_S = 900;
const GAP_S = 15; // longer without a point is a hole in the line, not a straight stretch
const TABLE_ROWS = 60;

/** Columns of equal length: t (epoch seconds), power, base, target (kW or null). */
export const series = signal({ t: [], power: [], base: [], target: [] });

const NAMES = ["power", "base", "target"];

function trimmed(columns, from) {
  const first = columns.t.findIndex((t) => t >= from);
  const start = first < 0 ? columns.t.length : first;
  if (start === 0) return columns;
  return Object.fromEntries(Object.entries(columns).map(([name, all]) => [name, all.slice(start)]));
}

function added(columns, t, values) {
  const last = columns.t.at(-1);
  if (last !== undefined && t <= last) return columns;
  const hole = last !== undefined && t - last > GAP_S;
  const next = { t: [...columns.t, ...(hole ? [last + 1] : []), t] };
  for (const name of NAMES) next[name] = [...columns[name], ...(hole ? [null] : []), values[name]];
  return next;
}

function follow(now) {
  const fresh = now.reading_at !== null && now.t - now.reading_at <= GAP_S;
  const asked = now.binding !== null && now.base_power_kw !== null;
  const values = {
    power: fresh ? now.power_kw : null,
    base: fresh ? now.base_power_kw : null,
    target: asked ? Math.max(0, now.base_power_kw - now.required_kw) : null,
  };
  series.value = trimmed(added(series.peek(), now.t, values), now.t - SPAN_S);
}

async function seed() {
  let recent;
  try {
    recent = await ask("/api/v1/recent");
  } catch {
    return; // The chart then begins with what the page sees itself.
  }
  const own = series.peek();
  const last = recent.t.at(-1) ?? -Infinity;
  let joined = { t: recent.t };
  for (const name of NAMES) joined[name] = recent.series[name] ?? recent.t.map(() => null);
  own.t.forEach((t, i) => {
    if (t > last) joined = added(joined, t, Object.fromEntries(NAMES.map((n) => [n, own[n][i]])));
  });
  series.value = joined;
}

/** Stretches with a target, as [from, to] in epoch seconds: the events the chart can show. */
export function eventBands({ t, target }) {
  const bands = [];
  t.forEach((at, i) => {
    if (target[i] === null) return;
    if (i > 0 && target[i - 1] !== null) bands.at(-1)[1] = at;
    else bands.push([at, at]);
  });
  return bands;
}

/** At most 60 rows, newest first: the points nearest to every 15th second. */
export function tableRows({ t, ...columns }) {
  const step = SPAN_S / TABLE_ROWS;
  const rows = [];
  let slot = null;
  for (let i = t.length - 1; i >= 0 && rows.length < TABLE_ROWS; i -= 1) {
    if (columns.power[i] === null || Math.floor(t[i] / step) === slot) continue;
    slot = Math.floor(t[i] / step);
    rows.push({ t: t[i], ...Object.fromEntries(NAMES.map((name) => [name, columns[name][i]])) });
  }
  return rows;
}

/** Called once, when the page starts. */
export function start() {
  effect(() => {
    if (connections.value) seed();
  });
  effect(() => {
    if (state.value) follow(state.value);
  });
}
