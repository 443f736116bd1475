// Numbers, times and units the way people read them; the same everywhere on the page.

const MINUS = "\u2212";
const GAP = "\u00a0"; // no-break, before a unit
const language = navigator.language || "en";
// One kind of digits on the page: what it writes into a field it must be able to read again.
const LATIN = { numberingSystem: "latn" };
const ZEROS = [
  0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xff10,
];
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|\ud802|\ud803|\ud83a|\ud83b/;
const NAMES = new Set(["name", "next_name"]);
const formats = new Map();

function cached(key, make) {
  if (!formats.has(key)) formats.set(key, make());
  return formats.get(key);
}

function fixed(value, low, high = low) {
  const format = cached(
    `n${low}-${high}`,
    () =>
      new Intl.NumberFormat(language, {
        minimumFractionDigits: low,
        maximumFractionDigits: high,
        useGrouping: false,
        ...LATIN,
      }),
  );
  return format.format(value === 0 ? 0 : value).replace("-", MINUS);
}

/** kW as a bare number: 2 decimals below 10, 1 below 100, then none; a dash when not known. */
export function kwNumber(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(Math.round(value * 100) / 100);
  const decimals = size < 10 ? 2 : size < 100 ? 1 : 0;
  const rounded = Number(value.toFixed(decimals));
  return fixed(rounded === 0 ? 0 : rounded, decimals);
}

/** `2.00 kW`. */
export const kw = (value) => `${kwNumber(value)}${GAP}kW`;

/** A rating or a round request: `1.5 kW`, `2 kW`, never more decimals than it has. */
export const rating = (value, least = 0) => `${fixed(value, least, 2)}${GAP}kW`;

/** `70 %`. */
export const percent = (value) => `${fixed(value, 0, 1)}${GAP}%`;

/** What goes into a number field, in the reader's own decimal sign. */
export const typed = (value) => fixed(value, value % 1 === 0 ? 1 : 0, 3);

/** A digit of any keyboard as one of ours. */
function latin(digit) {
  const code = digit.codePointAt(0);
  const zero = ZEROS.find((first) => code >= first && code <= first + 9);
  return zero === undefined ? digit : String(code - zero);
}

/** A number as people type it, in digits of any script, with comma or point; NaN when it is none. */
export function readNumber(text) {
  const plain = text
    .trim()
    .replace(/\p{Nd}/gu, latin)
    .replace(/[,\u066b]/, ".");
  return /^\d*\.?\d+$|^\d+\.$/.test(plain) ? Number(plain) : NaN;
}

const pad = (n) => String(n).padStart(2, "0");

/** A countdown: `4:12`, from one hour on `1:04:12`; never below `0:00`. */
export function countdown(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** What is awaited: `8 s`, from one minute on `4:12`. */
export const soon = (seconds) =>
  seconds < 60 ? `${Math.max(0, Math.floor(seconds))}${GAP}s` : countdown(seconds);

/** A length of time: `42 s`, `1 min 48 s`, `2 h 04 min`, `3 days`. */
export function duration(seconds) {
  const total = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  if (total < 60) return `${s}${GAP}s`;
  if (h === 0) return s ? `${m}${GAP}min ${s}${GAP}s` : `${m}${GAP}min`;
  if (h < 48) return m ? `${h}${GAP}h ${pad(m)}${GAP}min` : `${h}${GAP}h`;
  return `${Math.floor(h / 24)}${GAP}days`;
}

function timeFormat(zone, options) {
  const key = `t${zone}${JSON.stringify(options)}`;
  return cached(
    key,
    () => new Intl.DateTimeFormat(language, { timeZone: zone, ...LATIN, ...options }),
  );
}

/** A time as a sentence can carry it: some are written with a word from right to left. */
const told = (t, zone, options) => isolated(timeFormat(zone, options).format(t * 1000));

const HOURS = { hour: "2-digit", minute: "2-digit" };

/** Time of day with seconds, in the site's zone. `t` is epoch seconds. */
export const clock = (t, zone) => told(t, zone, { ...HOURS, second: "2-digit" });

/** Time of day without seconds, in the site's zone. */
export const minuteClock = (t, zone) => told(t, zone, HOURS);

/** Until when something lasts, never a minute early: `14:35`, or `14:35:20` amid a minute. */
export const until = (t, zone) => (Math.round(t) % 60 ? clock(t, zone) : minuteClock(t, zone));

/** `14:35` today, `25 Nov, 14:35` on any other day. */
export function moment(t, now, zone) {
  const day = timeFormat(zone, { year: "numeric", month: "numeric", day: "numeric" });
  if (day.format(t * 1000) === day.format(now * 1000)) return minuteClock(t, zone);
  return told(t, zone, { day: "numeric", month: "short", ...HOURS });
}

/** The site's wall clock as a datetime-local field wants it: `2026-11-24T18:00`. */
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

export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Text as a sentence can carry it: what runs from right to left moves nothing beside it. */
const isolated = (name) => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);

/** An answer of the controller, all names in it isolated. */
export function withIsolatedNames(value) {
  if (Array.isArray(value)) return value.map(withIsolatedNames);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      NAMES.has(key) && typeof one === "string" ? isolated(one) : withIsolatedNames(one),
    ]),
  );
}

/** `Heater, Lights and House Load`. */
export const list = (names) =>
  cached("list", () => new Intl.ListFormat("en-GB", { type: "conjunction" })).format(names);

/** Names up to `most`; of more the first three: `Hall, Stairs, Lobby and 19 more`. */
export const few = (names, most = 5) =>
  list(names.length <= most ? names : [...names.slice(0, 3), `${names.length - 3} more`]);

/** A remark of the controller with a capital and a full stop; ven.yaml and shed_kw stay as they are. */
export function asSentence(text) {
  const begun = text.replace(/^[a-z]+(?![\w.])/, (word) => word[0].toUpperCase() + word.slice(1));
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** `1st`, `2nd`, `23rd`. */
export function ordinal(n) {
  const rules = cached("ordinal", () => new Intl.PluralRules("en", { type: "ordinal" }));
  return n + { one: "st", two: "nd", few: "rd", other: "th" }[rules.select(n)];
}

const STARTERS = {
  page: "This page",
  operator: "Grid operator",
  cli: "Command line",
  schedule: "Schedule",
  cloud: "The cloud",
  event: "An event",
};

/** Who started an event or moved a switch. */
export const starter = (source) => STARTERS[source] ?? source;
