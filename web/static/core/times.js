// Times and lengths of time as people read them, in the site's time zone. `t` is epoch seconds.
import { GAP, LATIN, language } from "./numbers.js";
import { isolated } from "./words.js";

/** @type {Intl.DateTimeFormatOptions} */
const HOURS = { hour: "2-digit", minute: "2-digit" };

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @param {number} n */
const pad = (n) => String(n).padStart(2, "0");

/** Hours, minutes and seconds. @param {number} total_s */
const split = (total_s) => [
  Math.floor(total_s / 3600),
  Math.floor(total_s / 60) % 60,
  total_s % 60,
];

/**
 * A countdown: `4:12`, from one hour on `1:04:12`; never below `0:00`.
 * @param {number} seconds
 */
export function countdown(seconds) {
  const [h, m, s] = split(Math.max(0, Math.floor(seconds)));
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/**
 * A short wait: `8 s`, from one minute on `4:12`.
 * @param {number} seconds
 */
export const soon = (seconds) =>
  seconds < 60 ? `${Math.max(0, Math.floor(seconds))}${GAP}s` : countdown(seconds);

/**
 * A length of time: `42 s`, `1 min 48 s`, `2 h 04 min`, `3 days`.
 * @param {number} seconds
 */
export function duration(seconds) {
  const total = Math.max(0, Math.round(seconds));
  const [h, m, s] = split(total);
  if (total < 60) return `${s}${GAP}s`;
  if (h === 0) return s ? `${m}${GAP}min ${s}${GAP}s` : `${m}${GAP}min`;
  if (h < 48) return m ? `${h}${GAP}h ${pad(m)}${GAP}min` : `${h}${GAP}h`;
  return `${Math.floor(h / 24)}${GAP}days`;
}

/** @param {string} zone @param {Intl.DateTimeFormatOptions} options */
function formatOf(zone, options) {
  const key = zone + JSON.stringify(options);
  const known = formats.get(key);
  if (known) return known;
  const format = new Intl.DateTimeFormat(language, { timeZone: zone, ...LATIN, ...options });
  formats.set(key, format);
  return format;
}

/**
 * A time that can stand in a sentence: some languages write it with a right-to-left word.
 * @param {number} t @param {string} zone @param {Intl.DateTimeFormatOptions} options
 */
const format = (t, zone, options) => isolated(formatOf(zone, options).format(t * 1000));

/**
 * Time of day with seconds.
 * @param {number} t @param {string} zone
 */
export const clock = (t, zone) => format(t, zone, { ...HOURS, second: "2-digit" });

/**
 * Time of day without seconds.
 * @param {number} t @param {string} zone
 */
export const minuteClock = (t, zone) => format(t, zone, HOURS);

/**
 * When something ends, never a minute early: `14:35`, or `14:35:20` within a minute.
 * @param {number} t @param {string} zone
 */
export const until = (t, zone) => (Math.round(t) % 60 ? clock(t, zone) : minuteClock(t, zone));

/**
 * `14:35` today, `25 Nov, 14:35` on any other day.
 * @param {number} t @param {number} now @param {string} zone
 */
export function moment(t, now, zone) {
  const day = formatOf(zone, { year: "numeric", month: "numeric", day: "numeric" });
  if (day.format(t * 1000) === day.format(now * 1000)) return minuteClock(t, zone);
  return format(t, zone, { day: "numeric", month: "short", ...HOURS });
}

/**
 * The site's wall clock as a datetime-local field wants it: `2026-11-24T18:00`.
 * @param {number} t @param {string} zone
 */
export function localField(t, zone) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    ...HOURS,
    hourCycle: "h23",
  }).formatToParts(t * 1000);
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}`;
}
