// The Power status card: what the site draws, what is shed, and how the grid link is.

import { second, stale, state } from "../core/live.js";
import { asSentence, clock, duration, kwNumber, list } from "../core/words.js";
import { chip, note } from "../parts/components.js";
import { html } from "../vendor/ui.js";

const FRESH_S = 15;

const LINK = {
  connected: ["ok", "wifi", "MQTT connected"],
  connecting: ["warn", "wifi", "MQTT connecting"],
  disconnected: ["bad", "wifi-off", "MQTT disconnected"],
  unknown: ["", "wifi-off", "MQTT unknown"],
};

/** The grid link in one chip; unknown while the page itself has no link. */
function LinkChip({ link }) {
  const [tone, name, text] = LINK[stale.value ? "unknown" : link.state] ?? LINK.unknown;
  return chip(tone, name, text, { "data-testid": "mqtt" });
}

const fact = (label, value) => html`<span>${label} <b>${value}</b></span>`;

function LinkFacts({ link }) {
  const ago = (t) => duration(Math.max(0, second.value - t));
  const facts = [fact("Broker", link.broker)];
  if (link.state === "disconnected") {
    facts.push(fact("Down for", ago(link.since)));
    facts.push(html`<span><b>${link.waiting}</b> messages waiting</span>`);
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

function Reading({ now }) {
  const age = second.value - now.reading_at;
  if (now.power_kw === null || now.reading_at === null) {
    return html`<p class="reading unknown" data-testid="power">No reading yet</p>`;
  }
  if (age > FRESH_S && !stale.value) {
    return html`<p class="reading unknown" data-testid="power">No reading for ${duration(age)}</p>`;
  }
  return html`<p class="reading numeric"><b data-testid="power">${kwNumber(now.power_kw)}</b><span>kW</span></p>`;
}

const part = (square, label, id, value) => html`<div>
  <dt><i class=${`swatch ${square}`}></i>${label}</dt>
  <dd class="numeric"><span data-testid=${id}>${kwNumber(value)}</span> <small>kW</small></dd>
</div>`;

function Shares({ now }) {
  const whole = now.base_power_kw || 1;
  const known = now.power_kw !== null && (stale.value || second.value - now.reading_at <= FRESH_S);
  const read = (value) => (known ? value : null);
  const share = (value) => ({ width: `${(100 * (read(value) ?? 0)) / whole}%` });
  return html`<div class="power-bar" aria-hidden="true">
      <i class="use" style=${share(now.power_kw)}></i>
      ${now.shed_kw > 0 && html`<i class="hatch" style=${share(now.shed_kw)}></i>`}
    </div>
    <dl class="shares">
      ${part("use", "In use", "used", read(now.power_kw))}
      ${part("hatch", "Load shed", "shed", read(now.shed_kw))}
      ${part("base", "Base power", "base", read(now.base_power_kw))}
    </dl>`;
}

export function PowerCard() {
  const now = state.value;
  const unread = now.circuits.filter((one) => one.metered && one.power_kw === null);
  return html`<section class="card power" aria-labelledby="h-power">
    <header>
      <h2 id="h-power">Power status</h2>
      <span class="end"><${LinkChip} link=${now.link} /></span>
    </header>
    <p class="caption">
      ${stale.value ? `Power at ${clock(now.t, now.site.timezone)}` : "Current power"}
      ${unread.length > 0 && ` without ${list(unread.map((one) => one.name))}`}
    </p>
    <${Reading} now=${now} />
    <${Shares} now=${now} />
    <${LinkFacts} link=${now.link} />
  </section>`;
}
