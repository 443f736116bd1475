// Power over time in columns: what is added, trimmed, joined, and read out of them.

/** @import { Column, Recent, State } from "./bodies.js" */

/**
 * Columns of equal length: t in epoch seconds, the others in kW or null.
 * @typedef {{t: number[], power: Column, base: Column, target: Column}} Columns
 */

/** @typedef {{power: number | null, base: number | null, target: number | null}} Values */

/** How much of the past the chart shows. */
export const SPAN_S = 900;

/** Longer without a point is a hole in the line, not a straight stretch. */
export const GAP_S = 15;

const TABLE_ROWS = 60;

/** @type {("power" | "base" | "target")[]} */
const NAMES = ["power", "base", "target"];

/** @returns {Columns} */
export const empty = () => ({ t: [], power: [], base: [], target: [] });

/** @param {Columns} columns @param {number} i @returns {Values} */
const at = ({ power, base, target }, i) => ({
  power: power[i],
  base: base[i],
  target: target[i],
});

/**
 * Without the points before `from`.
 * @param {Columns} columns @param {number} from
 * @returns {Columns}
 */
export function trimmed(columns, from) {
  const first = columns.t.findIndex((t) => t >= from);
  const start = first < 0 ? columns.t.length : first;
  if (start === 0) return columns;
  const [power, base, target] = NAMES.map((name) => columns[name].slice(start));
  return { t: columns.t.slice(start), power, base, target };
}

/**
 * With one more point; one that is not newer than the last is ignored.
 * @param {Columns} columns @param {number} t @param {Values} values
 * @returns {Columns}
 */
export function added(columns, t, values) {
  const last = columns.t.at(-1);
  if (last !== undefined && t <= last) return columns;
  const hole = last !== undefined && t - last > GAP_S;
  const [power, base, target] = NAMES.map((name) => [
    ...columns[name],
    ...(hole ? [null] : []),
    values[name],
  ]);
  return { t: [...columns.t, ...(hole ? [last + 1] : []), t], power, base, target };
}

/**
 * The state of the site as one point.
 * @param {State} now
 * @returns {Values}
 */
export function pointOf(now) {
  const fresh = now.reading_at !== null && now.t - now.reading_at <= GAP_S;
  const asked = now.binding !== null && now.base_power_kw !== null;
  return {
    power: fresh ? now.power_kw : null,
    base: fresh ? now.base_power_kw : null,
    target: asked ? Math.max(0, (now.base_power_kw ?? 0) - now.required_kw) : null,
  };
}

/**
 * What the controller recorded, followed by what the page has seen since.
 * @param {Recent} recent @param {Columns} own
 * @returns {Columns}
 */
export function joined(recent, own) {
  const { power, base, target } = recent.series;
  const last = recent.t.at(-1) ?? Number.NEGATIVE_INFINITY;
  /** @type {Columns} */
  const start = { t: recent.t, power, base, target };
  return own.t.reduce((all, t, i) => (t > last ? added(all, t, at(own, i)) : all), start);
}

/**
 * Stretches with a target, as [from, to] in epoch seconds: the events the chart can show.
 * @param {Columns} columns
 */
export function eventBands({ t, target }) {
  /** @type {[number, number][]} */
  const bands = [];
  t.forEach((now, i) => {
    if (target[i] === null) return;
    const band = bands.at(-1);
    if (band && i > 0 && target[i - 1] !== null) band[1] = now;
    else bands.push([now, now]);
  });
  return bands;
}

/**
 * At most 60 rows, newest first: the points nearest to every 15th second.
 * @param {Columns} columns
 */
export function tableRows(columns) {
  const { t, power } = columns;
  const step = SPAN_S / TABLE_ROWS;
  /** @type {({t: number} & Values)[]} */
  const rows = [];
  let slot = null;
  for (let i = t.length - 1; i >= 0 && rows.length < TABLE_ROWS; i -= 1) {
    if (power[i] === null || Math.floor(t[i] / step) === slot) continue;
    slot = Math.floor(t[i] / step);
    rows.push({ t: t[i], ...at(columns, i) });
  }
  return rows;
}
