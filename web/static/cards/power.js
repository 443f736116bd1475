// The Power status card: what the site draws, what is shed, and how the grid link is.
import { latest, second, stale } from "../core/live.js";
import { kwNumber } from "../core/numbers.js";
import { clock, duration } from "../core/times.js";
import { asSentence, list } from "../core/words.js";
import { chip, note } from "../parts/components.js";
import { html } from "../vendor/ui.js";

/** @import { Link, State } from "../core/bodies.js" */
/** @import { IconName } from "../vendor/icons.js" */

const FRESH_S = 15;

/** @type {Record<Link["state"], [string, IconName, string]>} */
const LINK = {
  connected: ["ok", "wifi", "MQTT connected"],
  connecting: ["warn", "wifi", "MQTT connecting"],
  disconnected: ["bad", "wifi-off", "MQTT disconnected"],
  unknown: ["", "wifi-off", "MQTT unknown"],
};

/**
 * The grid link in one chip; unknown while the page itself has no link.
 * @param {{link: Link}} props
 */
function LinkChip({ link }) {
  const [tone, name, text] = LINK[stale.value ? "unknown" : link.state] ?? LINK.unknown;
  return chip(tone, name, text, { "data-testid": "mqtt" });
}

/** @param {string} label @param {string} value */
const fact = (label, value) => html`<span>${label} <b>${value}</b></span>`;

/** @param {{link: Link}} props */
function LinkFacts({ link }) {
  /** @param {number} t */
  const ago = (t) => duration(Math.max(0, second.value - t));
  const facts = [fact("Broker", link.broker)];
  if (link.state === "disconnected") {
    facts.push(fact("Down for", ago(link.since)));
    const messages = link.waiting === 1 ? "message" : "messages";
    facts.push(html`<span><b>${link.waiting}</b> ${messages} waiting</span>`);
  } else if (link.last_sent !== null && !stale.value) {
    facts.push(html`<span>Last sent <b>${ago(link.last_sent)} ago</b></span>`);
  }
  return html`<div class="link-facts numeric">${facts}</div>
    ${link.detail && note("info", asSentence(link.detail), link.state === "connected" ? "" : "bad")}
    ${
      link.denied.length > 0 &&
      note("triangle-alert", `The broker does not allow ${list(link.denied)}.`, "warn")
    }`;
}

/** @param {{now: State}} props */
function Reading({ now }) {
  const age = second.value - (now.reading_at ?? 0);
  if (now.reading_at === null) {
    return html`<p class="reading unknown" data-testid="power">No reading yet</p>`;
  }
  if (age > FRESH_S && !stale.value) {
    return html`<p class="reading unknown" data-testid="power">No reading for ${duration(age)}</p>`;
  }
  if (now.power_kw === null) {
    return html`<p class="reading unknown" data-testid="power">Not known: the main meter cannot be read</p>`;
  }
  return html`<p class="reading numeric"><b data-testid="power">${kwNumber(now.power_kw)}</b><span>kW</span></p>`;
}

/** @param {string} square @param {string} label @param {string} id @param {number | null} value */
const part = (square, label, id, value) => html`<div>
  <dt><i class=${`swatch ${square}`}></i>${label}</dt>
  <dd class="numeric">${
    value === null
      ? html`<small data-testid=${id}>not known</small>`
      : html`<span data-testid=${id}>${kwNumber(value)}</span> <small>kW</small>`
  }</dd>
</div>`;

/** @param {{now: State}} props */
function Shares({ now }) {
  const whole = now.base_power_kw || 1;
  const fresh = stale.value || second.value - (now.reading_at ?? 0) <= FRESH_S;
  /** @param {number | null} value */
  const read = (value) => (fresh ? value : null);
  /** @param {number | null} value */
  const share = (value) => ({ width: `${(100 * (read(value) ?? 0)) / whole}%` });
  return html`<div class="power-bar" aria-hidden="true">
      <i class="use" style=${share(now.power_kw)}></i>
      ${(now.shed_kw ?? 0) > 0 && html`<i class="hatch" style=${share(now.shed_kw)}></i>`}
    </div>
    <dl class="shares">
      ${part("use", "In use", "used", read(now.power_kw))}
      ${part("hatch", "Shed", "shed", read(now.shed_kw))}
      ${part("base", "Normal", "base", read(now.base_power_kw))}
    </dl>`;
}

export function PowerCard() {
  const now = latest();
  const unread = now.circuits.filter((circuit) => circuit.metered && circuit.power_kw === null);
  return html`<section class="card power" aria-labelledby="h-power">
    <header>
      <h2 id="h-power">Power status</h2>
      <span class="end"><${LinkChip} link=${now.link} /></span>
    </header>
    <p class="caption">
      ${stale.value ? `Power at ${clock(now.t, now.site.timezone)}` : "Current power"}
      ${unread.length > 0 && ` without ${list(unread.map((circuit) => circuit.name))}`}
    </p>
    <${Reading} now=${now} />
    <${Shares} now=${now} />
    <${LinkFacts} link=${now.link} />
  </section>`;
}
