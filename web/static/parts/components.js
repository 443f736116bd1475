// Small pieces every card is made of, and what this browser remembers.
import icons from "../vendor/icons.js";
import { html, signal, useEffect, useState } from "../vendor/ui.js";

/** An icon of the vendored set; for the eye only, so a word always stands beside it. */
export const icon = (name) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  ${icons[name].map(([tag, attributes]) => html`<${tag} ...${attributes} />`)}
</svg>`;

/** A state in one word. `tone`: ok, shed, warn, bad, info or none. */
export const chip = (tone, name, text, more = {}) =>
  html`<span class=${`chip ${tone}`} ...${more}>${icon(name)}${text}</span>`;

export const smallChip = (tone, name, text) =>
  html`<span class=${`chip small ${tone}`}>${name && icon(name)}${text}</span>`;

/** A sentence under a card's content, with its icon. */
export const note = (name, text, tone = "") =>
  html`<p class=${`note ${tone}`}>${icon(name)}<span>${text}</span></p>`;

/** A bar whose whole width is `full`; `used` is solid, `shed` hatched. All in one unit. */
export function bar(used, shed, full, over = false) {
  const share = (part) => `${Math.max(0, Math.min(100, (100 * part) / (full || 1)))}%`;
  return html`<span class=${over ? "bar over" : "bar"} aria-hidden="true">
    <i class="use" style=${{ width: share(used) }}></i>
    <i class="hatch" style=${{ width: share(shed) }}></i>
  </span>`;
}

/** What went wrong with something just asked for; said aloud at once. */
export const complaint = (text) =>
  html`<div role="alert">${text && note("triangle-alert", text, "bad")}</div>`;

export const remembered = {
  read(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // Storage may be switched off: then nothing is remembered, and all works.
    }
  },
  write(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // As above.
    }
  },
};

/** A signal that follows a media query. */
export function watchMedia(query) {
  const media = matchMedia(query);
  const matches = signal(media.matches);
  media.addEventListener("change", () => (matches.value = media.matches));
  return matches;
}

/** Whether there is too little room beside each other for a chart from left to right. */
export const narrow = watchMedia("(max-width: 68.75em)");

const THEMES = ["auto", "light", "dark"];
const stored = remembered.read("theme");

/** auto, light or dark. */
export const theme = signal(THEMES.includes(stored) ? stored : "auto");

export function nextTheme() {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length];
  remembered.write("theme", theme.value);
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

/** Whether what is in the box of `ref` does not fit into it: then it is scrolled, by keys as well. */
export function useOverflow(ref) {
  const [overflows, setOverflows] = useState(false);
  useEffect(() => {
    const look = () => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = ref.current;
      setOverflows(scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1);
    };
    const watch = new ResizeObserver(look);
    for (const box of [ref.current, ...ref.current.children]) watch.observe(box);
    return () => watch.disconnect();
  }, []);
  return overflows;
}

/** True once `delay_ms` have gone by since the component appeared. */
export function useLater(delay_ms) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), delay_ms);
    return () => clearTimeout(timer);
  }, []);
  return late;
}
