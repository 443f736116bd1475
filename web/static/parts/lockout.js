// Locks a circuit at the site, and unlocks it.
import { messageOf, newKey, send } from "../core/api.js";
import { stale } from "../core/live.js";
import { moment } from "../core/times.js";
import { sourceName } from "../core/words.js";
import { html, signal } from "../vendor/ui.js";
import { icon, note, problem } from "./components.js";

/** @import { Circuit, State } from "../core/bodies.js" */

const WARNING =
  "A lock keeps everyone from switching it. It is not lockout/tagout: before you work on a " +
  "circuit, open its breaker.";

/** What went wrong with the last try, per circuit id. */
const faults = signal(/** @type {Record<string, string | null>} */ ({}));
const busy = signal(/** @type {string | null} */ (null));

/** @param {Circuit} circuit @param {boolean} locked */
async function setLock({ id }, locked) {
  busy.value = id;
  try {
    const path = `/api/v1/circuits/${encodeURIComponent(id)}/lock`;
    await send("PUT", path, { locked }, { key: newKey(), most: 2 });
    faults.value = { ...faults.value, [id]: null };
  } catch (error) {
    faults.value = { ...faults.value, [id]: messageOf(error) };
  }
  busy.value = null;
}

/**
 * The line about a circuit's lock in its details, with the button that sets or lifts it.
 * @param {{circuit: Circuit, now: State}} props
 */
export function Lockout({ circuit, now }) {
  const { locked_by: by, locked_at: at } = circuit;
  const since = by && `${moment(at ?? 0, now.t, now.site.timezone)}, from ${sourceName(by)}`;
  const setting = busy.value === circuit.id;
  return html`<div class="lockout">
    <button class="button small" disabled=${stale.value || setting}
      aria-busy=${String(setting)} onClick=${() => setLock(circuit, !by)}>
      ${icon(by ? "lock-open" : "lock")}${by ? "Unlock" : "Lock out"}
    </button>
    ${
      by
        ? note("lock", `Locked since ${since}. No person, event or cloud can switch it.`)
        : note("info", WARNING)
    }
    ${problem(faults.value[circuit.id])}
  </div>`;
}
