// The Device shadow card: whether desired and reported agree, and why a change was refused.
import { get } from "../core/api.js";
import { latest, second, stale } from "../core/live.js";
import { moment } from "../core/times.js";
import { chip, icon, note, smallChip } from "../parts/components.js";
import { html, signal, useEffect } from "../vendor/ui.js";

/** @import { Refusal, Shadow, ShadowRow, ShadowSummary, State } from "../core/bodies.js" */
/** @import { IconName } from "../vendor/icons.js" */

const ASK_EVERY_S = 3;

/** @type {Record<string, [string, IconName]>} */
const TONE = {
  in_sync: ["ok", "check"],
  offline: ["none", "wifi-off"],
  waiting: ["bad", "triangle-alert"],
  muted: ["bad", "triangle-alert"],
  off: ["none", "minus"],
};

/** @type {Record<ShadowRow["state"], [string, IconName, string]>} */
const VERDICTS = {
  pending: ["warn", "clock", "Pending"],
  rejected: ["bad", "triangle-alert", "Rejected"],
  in_sync: ["ok", "check", "In sync"],
  unknown: ["none", "clock", "Not known"],
  off: ["none", "minus", "Off"],
};

/** Whether the table is open, and the newest answer of GET /api/v1/shadow for it. */
const open = signal(false);
const compared = signal(/** @type {Shadow | null} */ (null));

/** @param {boolean | string | number | null} value */
const onOff = (value) => {
  if (value === null) return "–";
  return typeof value === "boolean" ? (value ? "on" : "off") : value;
};

/**
 * `EV Charger on`, or only its name where the refusal does not say which way.
 * @param {Refusal} refusal
 */
const asked = ({ name, wanted }) => (wanted === null ? `“${name}”` : `${name} ${onOff(wanted)}`);

/** @param {Refusal} refusal */
const why = ({ code, reason, meaning }) => (code === 404 || !reason ? meaning : reason);

/** @param {{refusal: Refusal, now: State}} props */
const Refused = ({ refusal, now }) => html`<li data-refused=${refusal.id}>
  ${icon("triangle-alert")}
  <span>The cloud asked for <b>${asked(refusal)}</b>. Refused: ${why(refusal)}.
    <small class="numeric">${moment(refusal.at, now.t, now.site.timezone)}, code ${refusal.code}</small></span>
</li>`;

/** @param {{row: ShadowRow}} props */
const Row = ({ row }) => html`<tr>
  <td class="mono">${row.key}${row.reason && html`<small>${row.reason}</small>`}</td>
  <td>${onOff(row.desired)}</td><td>${onOff(row.reported)}</td>
  <td class="right">${smallChip(...VERDICTS[row.state])}</td>
</tr>`;

/** @param {ShadowRow[]} rows */
const unsettledFirst = (rows) =>
  [...rows].sort((a, b) => Number(a.state === "in_sync") - Number(b.state === "in_sync"));

function Compare() {
  const tick = Math.floor(second.value / ASK_EVERY_S);
  useEffect(() => {
    fetchRows();
  }, [tick]);
  const answer = compared.value;
  if (!answer) return html`<p class="muted">Asking the controller…</p>`;
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label="Desired and reported, scrollable">
    <table>
      <thead><tr><th>Key</th><th>Desired</th><th>Reported</th><th class="right">State</th></tr></thead>
      <tbody>${unsettledFirst(answer.rows).map((row) => html`<${Row} key=${row.key} row=${row} />`)}</tbody>
    </table>
  </div>`;
}

async function fetchRows() {
  try {
    compared.value = await get("/api/v1/shadow");
  } catch {
    // The table on the page stays; the next tick asks again.
  }
}

/** @param {ShadowSummary} shadow */
function summary({ state: at, open: waiting, refused }) {
  if (at === "off") return "This site has no device shadow.";
  if (waiting === 1) return "One change from the cloud is waiting for its circuit.";
  if (waiting) return `${waiting} changes from the cloud are waiting for their circuits.`;
  if (at === "offline") return "The link is down, so changes from the cloud are not known.";
  return refused.length ? null : "No change from the cloud is waiting.";
}

export function ShadowCard() {
  const now = latest();
  const { shadow } = now;
  /** @type {[string, IconName]} */
  const [tone, name] = stale.value ? ["none", "clock"] : (TONE[shadow.state] ?? ["warn", "clock"]);
  const text = summary(shadow);
  const toggle = () => {
    open.value = !open.value;
  };
  return html`<section class="card shadow" aria-labelledby="h-shadow">
    <header>
      <h2 id="h-shadow">Device shadow</h2>
      <span class="end">
        ${chip(tone, name, shadow.label)}
        <button class="button small" aria-expanded=${String(open.value)} disabled=${stale.value}
          onClick=${toggle}>Compare</button>
      </span>
    </header>
    ${text && html`<p class="muted">${text}</p>`}
    <div role="status">
      ${
        shadow.refused.length > 0 &&
        html`<ul class="refused">
        ${shadow.refused.map(
          (refusal) => html`<${Refused} key=${refusal.id} refusal=${refusal} now=${now} />`,
        )}
      </ul>`
      }
    </div>
    ${shadow.alarms.map((alarm) => note("triangle-alert", alarm.text, "bad"))}
    ${open.value && html`<${Compare} />`}
  </section>`;
}
