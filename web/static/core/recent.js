// The last 15 minutes of power: seeded by the controller, then kept as the page sees them.
import { effect, signal } from "../vendor/ui.js";
import { get } from "./api.js";
import { connections, state } from "./live.js";
import { added, empty, joined, pointOf, SPAN_S, trimmed } from "./series.js";

export const recent = signal(empty());

/** @param {import("./bodies.js").State} now */
function follow(now) {
  recent.value = trimmed(added(recent.peek(), now.t, pointOf(now)), now.t - SPAN_S);
}

async function seed() {
  try {
    const answer = await get("/api/v1/recent");
    recent.value = joined(answer, recent.peek());
  } catch {
    // The chart then begins with what the page sees itself.
  }
}

/** Called once, when the page starts. */
export function start() {
  effect(() => {
    if (connections.value) seed();
  });
  effect(() => {
    if (state.value) follow(state.value);
  });
}
