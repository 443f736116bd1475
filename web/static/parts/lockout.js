// Locks a circuit out at the site, and lets it go again.

import { newKey, tell } from "../core/api.js";
import { stale } from "../core/live.js";
import { moment } from "../core/words.js";
import { html, signal } from "../vendor/ui.js";
import { complaint, icon, note } from "./components.js";

const DOORS = { page: "from the page", cli: "from the command line" };

/** What went wrong with the last try, per circuit id. */
const faults = signal({});
const busy = signal(null);

async function setLock({ id }, locked) {
  busy.value = id;
  try {
    const path = `/api/v1/circuits/${encodeURIComponent(id)}/lock`;
    await tell("PUT", path, { locked }, { key: newKey(), most: 2 });
    faults.value = { ...faults.value, [id]: null };
  } catch (error) {
    faults.value = { ...faults.value, [id]: error.message };
  }
  busy.value = null;
}

/** The line of a circuit's sheet that tells of its lock, with the button that turns it over. */
export function Lockout({ circuit, now }) {
  const { locked_by: by, locked_at: at } = circuit;
  const since = by && `${moment(at, now.t, now.site.timezone)}, ${DOORS[by] ?? by}`;
  return html`<div class="lockout">
    <button class="button small" disabled=${stale.value || busy.value === circuit.id}
      aria-busy=${String(busy.value === circuit.id)} onClick=${() => setLock(circuit, !by)}>
      ${icon(by ? "lock-open" : "lock")}${by ? "Unlock" : "Lock out"}
    </button>
    ${
      by
        ? note("lock", `Locked since ${since}. Neither people nor events nor the cloud change it.`)
        : note(
            "info",
            "A lock keeps everyone from switching it. It is no lockout/tagout: before work on a circuit, open its breaker.",
          )
    }
    ${complaint(faults.value[circuit.id])}
  </div>`;
}
