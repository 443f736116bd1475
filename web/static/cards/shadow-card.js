// The Device shadow card: whether desired and reported agree, and why a wish was refused.

import { ask } from "../core/api.js";
import { second, stale, state } from "../core/live.js";
import { moment } from "../core/words.js";
import { chip, icon, note, smallChip } from "../parts/components.js";
import { html, signal, useEffect } from "../vendor/ui.js";

const ASK_EVERY_S = 3;
const TONE = {
  in_sync: ["ok", "check"],
  offline: ["none", "wifi-off"],
  waiting: ["bad", "triangle-alert"],
  muted: ["bad", "triangle-alert"],
  off: ["none", "minus"],
};

/** Whether the table is open, and the newest answer of GET /api/v1/shadow for it. */
const open = signal(false);
const compared = signal(null);

const VERDICTS = {
  pending: ["warn", "clock", "Pending"],
  rejected: ["bad", "triangle-alert", "Rejected"],
  in_sync: ["ok", "check", "In sync"],
  unknown: ["none", "clock", "Not known"],
  off: ["none", "minus", "Off"],
};

const onOff = (value) =>
  value === null ? "–" : value === true ? "on" : value === false ? "off" : value;

/** `EV Charger on`, or only its name where nobody said which way. */
const asked = ({ name, wanted }) => (wanted === null ? name : `${name} ${onOff(wanted)}`);

const why = ({ code, reason, meaning }) => (code === 404 || !reason ? meaning : reason);

const Refused = ({ one, now }) => html`<li data-refused=${one.id}>
  ${icon("triangle-alert")}
  <span><b>${asked(one)}</b> was refused: ${why(one)}.
    <small class="numeric">${moment(one.at, now.t, now.site.timezone)}, code ${one.code}</small></span>
</li>`;

const Verdict = ({ row }) => smallChip(...VERDICTS[row.state]);

const Row = ({ row }) => html`<tr>
  <td class="mono">${row.key}${row.reason && html`<small>${row.reason}</small>`}</td>
  <td>${onOff(row.desired)}</td><td>${onOff(row.reported)}</td>
  <td class="right"><${Verdict} row=${row} /></td>
</tr>`;

const unsettledFirst = (rows) =>
  [...rows].sort((a, b) => (a.state === "in_sync") - (b.state === "in_sync"));

function Compare() {
  const tick = Math.floor(second.value / ASK_EVERY_S);
  useEffect(() => {
    fetchRows();
  }, [tick]);
  const said = compared.value;
  if (!said) return html`<p class="muted">Asking the controller…</p>`;
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label="Desired and reported, scrollable">
    <table>
      <thead><tr><th>Key</th><th>Desired</th><th>Reported</th><th class="right">State</th></tr></thead>
      <tbody>${unsettledFirst(said.rows).map((row) => html`<${Row} key=${row.key} row=${row} />`)}</tbody>
    </table>
  </div>`;
}

async function fetchRows() {
  try {
    compared.value = await ask("/api/v1/shadow");
  } catch {
    // The table on the page stays; the next tick asks again.
  }
}

function summary({ state: at, open: waiting, refused }) {
  if (at === "off") return "Nobody keeps a shadow for this site.";
  if (waiting)
    return `${waiting === 1 ? "One wish waits" : `${waiting} wishes wait`} for a circuit to answer.`;
  if (at === "offline") return "What the cloud wishes is not known while the link is down.";
  return refused.length ? null : "Every wish of the cloud has been answered.";
}

export function TwinCard() {
  const now = state.value;
  const { shadow } = now;
  const [tone, name] = stale.value ? ["none", "clock"] : (TONE[shadow.state] ?? ["warn", "clock"]);
  const said = summary(shadow);
  return html`<section class="card shadow" aria-labelledby="h-twin">
    <header>
      <h2 id="h-twin">Device shadow</h2>
      <span class="end">
        ${chip(tone, name, shadow.label)}
        <button class="button small" aria-expanded=${String(open.value)} disabled=${stale.value}
          onClick=${() => (open.value = !open.value)}>Compare</button>
      </span>
    </header>
    ${said && html`<p class="muted">${said}</p>`}
    <div role="status">
      ${
        shadow.refused.length > 0 &&
        html`<ul class="refused">
        ${shadow.refused.map((one) => html`<${Refused} key=${one.id} one=${one} now=${now} />`)}
      </ul>`
      }
    </div>
    ${shadow.alarms.map((alarm) => note("triangle-alert", alarm.text, "bad"))}
    ${open.value && html`<${Compare} />`}
  </section>`;
}
