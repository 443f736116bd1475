// Numbers and units as people read and type them; the same everywhere on the page.

const MINUS = "\u2212";

/** A no-break space, before a unit. */
export const GAP = "\u00a0";

/** The reader's language; this module also loads where there is no browser, for its tests. */
export const language = globalThis.navigator?.language || "en";

/** One kind of digits on the page: what it writes into a field, it must be able to read again. */
export const LATIN = { numberingSystem: "latn" };

const ZEROS = [
  0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xff10,
];

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();
const ordinals = new Intl.PluralRules("en", { type: "ordinal" });
/** @type {Record<string, string>} */
const ENDINGS = { one: "st", two: "nd", few: "rd", other: "th" };

/** @param {number} least @param {number} most */
function formatOf(least, most) {
  const key = `${least}-${most}`;
  const known = formats.get(key);
  if (known) return known;
  const format = new Intl.NumberFormat(language, {
    minimumFractionDigits: least,
    maximumFractionDigits: most,
    useGrouping: false,
    ...LATIN,
  });
  formats.set(key, format);
  return format;
}

/** @param {number} value */
function fixed(value, least = 0, most = least) {
  const text = formatOf(least, most).format(value === 0 ? 0 : value);
  return text.replace("-", MINUS);
}

/**
 * kW without the unit: 2 decimals below 10, 1 below 100, then none; a dash when not known.
 * @param {number | null | undefined} value
 */
export function kwNumber(value) {
  if (value === null || value === undefined) return "–";
  // What is rounded counts: 99.96 is 100, not 100.0.
  const size = (/** @type {number} */ decimals) => Math.abs(Number(value.toFixed(decimals)));
  const decimals = size(2) < 10 ? 2 : size(1) < 100 ? 1 : 0;
  return fixed(Number(value.toFixed(decimals)), decimals);
}

/**
 * `2.00 kW`.
 * @param {number | null | undefined} value
 */
export const kw = (value) => `${kwNumber(value)}${GAP}kW`;

/**
 * `2.00 kW`, or `not known`.
 * @param {number | null} value
 */
export const knownKw = (value) => (value === null ? "not known" : kw(value));

/**
 * A rating or a round request, with no more decimals than it has: `1.5 kW`, `2 kW`.
 * @param {number} value
 */
export const rating = (value, least_decimals = 0) => `${fixed(value, least_decimals, 2)}${GAP}kW`;

/**
 * `70 %`.
 * @param {number} value
 */
export const percent = (value) => `${fixed(value, 0, 1)}${GAP}%`;

/**
 * What goes into a number field, with the reader's own decimal sign.
 * @param {number} value
 */
export const typed = (value) => fixed(value, value % 1 === 0 ? 1 : 0, 3);

/**
 * A digit of any script as one of ours.
 * @param {string} digit
 */
function latin(digit) {
  const code = digit.codePointAt(0) ?? 0;
  const zero = ZEROS.find((first) => code >= first && code <= first + 9);
  return zero === undefined ? digit : String(code - zero);
}

/**
 * A number as people type it: digits of any script, comma or point. NaN when it is not a number.
 * @param {string} text
 */
export function readNumber(text) {
  const plain = text
    .trim()
    .replace(/\p{Nd}/gu, latin)
    .replace(/[,\u066b]/, ".");
  return /^\d*\.?\d+$|^\d+\.$/.test(plain) ? Number(plain) : Number.NaN;
}

/**
 * `1st`, `2nd`, `23rd`.
 * @param {number} n
 */
export const ordinal = (n) => n + ENDINGS[ordinals.select(n)];
