// The Controller state card: the event chart as the controller declares it, laid out here.

import { ask } from "../core/api.js";
import { graphOf, layOut } from "../core/layout.js";
import { connections, second, stale, state, transition } from "../core/live.js";
import { duration } from "../core/words.js";
import { narrow, note, useOverflow } from "../parts/components.js";
import { computed, effect, html, signal, useRef } from "../vendor/ui.js";

const WIDEST = 800; // pixels before scaling; the card has some 670
const LEAST = 0.75; // drawn no smaller than this: then it is scrolled

/** The newest answer of GET /api/v1/machine, or null. */
const machine = signal(null);

const graph = computed(() => {
  const chart = machine.value?.charts.find((one) => one.name === "event");
  return chart ? graphOf(chart) : null;
});

/** From left to right where that leaves words large enough to read, else top down. */
const drawing = computed(() => {
  if (!graph.value) return null;
  const flat = narrow.value ? null : layOut(graph.value, false);
  return flat && flat.width <= WIDEST ? flat : layOut(graph.value, true);
});

/** Changes whenever an event enters a state, so that the last transition is asked for anew. */
const positions = computed(() =>
  (state.value?.events ?? []).map((one) => [one.id, one.state, one.entered]).join(),
);

/** The event whose state is lit: the one that binds, else the first that lives. */
function litEvent(now) {
  return now.events.find((one) => one.id === now.binding) ?? now.events[0] ?? null;
}

function heading(lit, now) {
  if (!lit) return stale.value ? "No event when last heard" : "No event";
  if (stale.value) return `Last known: ${lit.label}`;
  const text = `${lit.label} for ${duration(second.value - lit.entered)}`;
  return now.events.length > 1 ? `${lit.id}: ${text}` : text;
}

const nameOf = ({ from, to }) => `${from}>${to}`;

function Edge({ edge, hot }) {
  return html`<g class=${hot ? "edge recent" : "edge"} data-edge=${nameOf(edge)}>
    <path d=${edge.path} marker-end=${hot ? "url(#arrow-hot)" : "url(#arrow)"} />
  </g>`;
}

const Label = ({
  edge,
  hot,
}) => html`<text class=${hot ? "edge-label recent" : "edge-label"} x=${edge.x}>
  ${edge.words.map((word, i) => html`<tspan x=${edge.x} y=${edge.y + i * edge.line}>${word}</tspan>`)}
</text>`;

function Node({ node, lit }) {
  const kind = `node${lit ? " current" : ""}${node.final ? " final" : ""}`;
  return html`<g class=${kind} data-state=${node.name}>
    <rect x=${node.x - node.width / 2} y=${node.y - node.height / 2} rx="11"
      width=${node.width} height=${node.height} />
    <text x=${node.x} y=${node.y}>${node.label}</text>
  </g>`;
}

const arrow = (id) => html`<marker id=${id} markerWidth="8" markerHeight="8" refX="7.5" refY="4"
  orient="auto" markerUnits="userSpaceOnUse"><path d="M0 0.5L8 4L0 7.5Z" /></marker>`;

function Drawing({ drawn, lit, last }) {
  const lately = lit !== null && last?.id === lit.id ? nameOf(last) : null;
  const hot = (edge) => nameOf(edge) === lately;
  const now = drawn.nodes.find((node) => node.name === lit?.state)?.label;
  const { left, top, width, height } = drawn;
  return html`<svg class="state-chart" role="img" viewBox=${[left, top, width, height].join(" ")}
    width=${width} height=${height} style=${{ minWidth: `${LEAST * width}px` }}
    aria-label=${`The states of an event. ${now ? `Now: ${now}.` : "No event now."}`}>
    <defs>${arrow("arrow")}${arrow("arrow-hot")}</defs>
    ${drawn.edges.map((edge) => html`<${Edge} key=${nameOf(edge)} edge=${edge} hot=${hot(edge)} />`)}
    ${drawn.nodes.map(
      (node) => html`<${Node} key=${node.name} node=${node} lit=${node.name === lit?.state} />`,
    )}
    ${drawn.edges.map((edge) => html`<${Label} key=${nameOf(edge)} edge=${edge} hot=${hot(edge)} />`)}
  </svg>`;
}

/** What does not fit is reached by keys as well. */
function Scrolled({ children }) {
  const ref = useRef();
  const wide = useOverflow(ref);
  return html`<div class="state-chart-scroll" ref=${ref} tabindex=${wide ? 0 : undefined}
    role=${wide ? "group" : undefined} aria-label=${wide ? "States of an event" : undefined}>${children}</div>`;
}

export function MachineCard() {
  const now = state.value;
  const lit = litEvent(now);
  const drawn = drawing.value;
  return html`<section class="card state" aria-labelledby="h-state">
    <header>
      <h2 id="h-state">Controller state</h2>
      <span class="end muted numeric small">${heading(lit, now)}</span>
    </header>
    ${
      drawn
        ? html`<${Scrolled}>
          <${Drawing} drawn=${drawn} lit=${lit} last=${machine.value.last} />
        <//>`
        : html`<p class="muted">Waiting for the controller's chart…</p>`
    }
    ${now.waits.map((line) => note("hourglass", `The edited file waits until no event is live: ${line}.`))}
  </section>`;
}

async function fetchMachine() {
  try {
    machine.value = await ask("/api/v1/machine");
  } catch {
    // The chart on the page stays; the next connection or transition asks again.
  }
}

/** Called once, when the page starts. */
export function start() {
  effect(() => {
    const news = [connections.value, positions.value, transition.value];
    if (news[0]) fetchMachine();
  });
}
