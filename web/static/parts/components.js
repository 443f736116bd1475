// Small pieces every card is made of, and what this browser remembers.
import icons from "../vendor/icons.js";
import { html, signal, useEffect, useState } from "../vendor/ui.js";

/** @import { IconName } from "../vendor/icons.js" */
/** @import { RefObject } from "preact" */

/**
 * An icon of the vendored set; for the eye only, so a word always stands beside it.
 * @param {IconName} name
 */
export const icon = (name) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  ${icons[name].map(([tag, attributes]) => html`<${tag} ...${attributes} />`)}
</svg>`;

/**
 * A state in one word. `tone`: ok, shed, warn, bad, info or none.
 * @param {string} tone @param {IconName} name @param {unknown} text
 */
export const chip = (tone, name, text, more = {}) =>
  html`<span class=${`chip ${tone}`} ...${more}>${icon(name)}${text}</span>`;

/** @param {string} tone @param {IconName | null} name @param {string} text */
export const smallChip = (tone, name, text) =>
  html`<span class=${`chip small ${tone}`}>${name && icon(name)}${text}</span>`;

/**
 * A sentence under a card's content, with its icon.
 * @param {IconName} name @param {unknown} text
 */
export const note = (name, text, tone = "") =>
  html`<p class=${`note ${tone}`}>${icon(name)}<span>${text}</span></p>`;

/**
 * A bar whose whole width is `full`; `used` is solid, `shed` hatched. All in one unit.
 * @param {number} used @param {number} shed @param {number} full
 */
export function bar(used, shed, full, over = false) {
  /** @param {number} part */
  const share = (part) => `${Math.max(0, Math.min(100, (100 * part) / (full || 1)))}%`;
  return html`<span class=${over ? "bar over" : "bar"} aria-hidden="true">
    <i class="use" style=${{ width: share(used) }}></i>
    <i class="hatch" style=${{ width: share(shed) }}></i>
  </span>`;
}

/**
 * What went wrong with something just asked for; read out at once.
 * @param {string | null | undefined} text
 */
export const problem = (text) =>
  html`<div role="alert">${text && note("triangle-alert", text, "bad")}</div>`;

export const remembered = {
  /** @param {string} key */
  read(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // Storage may be switched off: then nothing is remembered, and all works.
    }
  },
  /** @param {string} key @param {string} value */
  write(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // As above.
    }
  },
};

/**
 * A signal that follows a media query.
 * @param {string} query
 */
export function watchMedia(query) {
  const media = matchMedia(query);
  const matches = signal(media.matches);
  media.addEventListener("change", () => {
    matches.value = media.matches;
  });
  return matches;
}

/** Whether a chart from left to right has too little space. */
export const narrow = watchMedia("(max-width: 68.75em)");

/** @typedef {"auto" | "light" | "dark"} Theme */

/** @type {Theme[]} */
const THEMES = ["auto", "light", "dark"];
const stored = remembered.read("theme");

export const theme = signal(THEMES.find((name) => name === stored) ?? "auto");

export function nextTheme() {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length];
  remembered.write("theme", theme.value);
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

/**
 * Whether the content of `ref` does not fit into it: then it is scrolled, by keys as well.
 * @param {RefObject<HTMLElement>} ref
 */
export function useOverflow(ref) {
  const [overflows, setOverflows] = useState(false);
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const look = () => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = box;
      setOverflows(scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1);
    };
    const watch = new ResizeObserver(look);
    for (const element of [box, ...box.children]) watch.observe(element);
    return () => watch.disconnect();
  }, []);
  return overflows;
}

/**
 * True once `delay_ms` have gone by since the component appeared.
 * @param {number} delay_ms
 */
export function useLater(delay_ms) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), delay_ms);
    return () => clearTimeout(timer);
  }, []);
  return late;
}
