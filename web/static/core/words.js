// Names and sentences: lists, right-to-left names, the words for who did something.

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|\ud802|\ud803|\ud83a|\ud83b/;
const NAMES = new Set(["name", "next_name"]);
const conjunction = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** @type {Record<string, string>} */
const SOURCES = {
  page: "this page",
  operator: "the grid operator",
  cli: "the command line",
  device: "a person at the device",
  cloud: "the cloud",
  event: "an event",
};

/**
 * Text that can stand in a sentence: right-to-left text moves nothing beside it.
 * @param {string} text
 */
export const isolated = (text) => (RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text);

/**
 * An answer of the controller with every name in it isolated.
 * @template T
 * @param {T} answer
 * @returns {T}
 */
export function withIsolatedNames(answer) {
  /** @param {unknown} value @returns {unknown} */
  const walk = (value) => {
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        NAMES.has(key) && typeof inner === "string" ? isolated(inner) : walk(inner),
      ]),
    );
  };
  return /** @type {T} */ (walk(answer));
}

/**
 * `Heater, Lights and House Load`.
 * @param {string[]} names
 */
export const list = (names) => conjunction.format(names);

/**
 * Names up to `most`; of more the first three: `Hall, Stairs, Lobby and 19 more`.
 * @param {string[]} names
 */
export const few = (names, most = 5) =>
  list(names.length <= most ? names : [...names.slice(0, 3), `${names.length - 3} more`]);

/**
 * `Charging` for `charging`.
 * @param {string} text
 */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * A remark of the controller with a capital and a full stop; ven.yaml and shed_kw stay as they are.
 * @param {string} text
 */
export function asSentence(text) {
  const begun = text.replace(/^[a-z]+(?![\w.])/, capital);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/**
 * Who called an event or moved a switch, within a sentence: `the grid operator`.
 * @param {string | null} source
 */
export const sourceName = (source) => SOURCES[source ?? ""] ?? source ?? "";
