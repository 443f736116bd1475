// The Controller state card: the event chart as the controller declares it, laid out here.
import { get } from "../core/api.js";
import { graphOf, layOut } from "../core/layout.js";
import { connections, latest, second, stale, state, transition } from "../core/live.js";
import { duration } from "../core/times.js";
import { narrow, note, useOverflow } from "../parts/components.js";
import { computed, effect, html, signal, useRef } from "../vendor/ui.js";

/** @import { DrEvent, Machine, State } from "../core/bodies.js" */
/** @import { PlacedEdge, PlacedNode } from "../core/layout.js" */
/** @import { ComponentChildren } from "preact" */

const WIDEST = 800; // pixels before scaling; the card has some 670
const LEAST = 0.75; // drawn no smaller than this: then it is scrolled

/** The newest answer of GET /api/v1/machine. */
const machine = signal(/** @type {Machine | null} */ (null));

const graph = computed(() => {
  const chart = machine.value?.charts.find(({ name }) => name === "event");
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
  (state.value?.events ?? []).map((event) => [event.id, event.state, event.entered]).join(),
);

/**
 * The event whose state is lit: the one that binds, else the first live one.
 * @param {State} now
 */
const litEvent = (now) =>
  now.events.find((event) => event.id === now.binding) ?? now.events[0] ?? null;

/** @param {DrEvent | null} lit @param {State} now */
function heading(lit, now) {
  if (!lit) return stale.value ? "No event when last connected" : "No event";
  if (stale.value) return `Last known: ${lit.label}`;
  const text = `${lit.label} for ${duration(second.value - lit.entered)}`;
  return now.events.length > 1 ? `${lit.id}: ${text}` : text;
}

/** @param {{from: string, to: string}} edge */
const nameOf = ({ from, to }) => `${from}>${to}`;

/** @typedef {{edge: PlacedEdge, recent: boolean}} EdgeProps */

/** @param {EdgeProps} props */
function Edge({ edge, recent }) {
  return html`<g class=${recent ? "edge recent" : "edge"} data-edge=${nameOf(edge)}>
    <path d=${edge.path} marker-end=${recent ? "url(#arrow-recent)" : "url(#arrow)"} />
  </g>`;
}

/** @param {EdgeProps} props */
function Label({ edge, recent }) {
  return html`<text class=${recent ? "edge-label recent" : "edge-label"} x=${edge.x}>
    ${edge.words.map((word, i) => html`<tspan x=${edge.x} y=${edge.y + i * edge.line}>${word}</tspan>`)}
  </text>`;
}

/** @param {{node: PlacedNode, lit: boolean}} props */
function Node({ node, lit }) {
  const kind = `node${lit ? " current" : ""}${node.final ? " final" : ""}`;
  return html`<g class=${kind} data-state=${node.name}>
    <rect x=${node.x - node.width / 2} y=${node.y - node.height / 2} rx="11"
      width=${node.width} height=${node.height} />
    <text x=${node.x} y=${node.y}>${node.label}</text>
  </g>`;
}

/** @param {string} id */
const arrow = (id) => html`<marker id=${id} markerWidth="8" markerHeight="8" refX="7.5" refY="4"
  orient="auto" markerUnits="userSpaceOnUse"><path d="M0 0.5L8 4L0 7.5Z" /></marker>`;

/** @param {{drawn: ReturnType<typeof layOut>, lit: DrEvent | null, last: Machine["last"]}} props */
function Drawing({ drawn, lit, last }) {
  const taken = lit !== null && last?.id === lit.id ? nameOf(last) : null;
  /** @param {PlacedEdge} edge */
  const recent = (edge) => nameOf(edge) === taken;
  const now = drawn.nodes.find((node) => node.name === lit?.state)?.label;
  const { left, top, width, height } = drawn;
  return html`<svg class="state-chart" role="img" viewBox=${[left, top, width, height].join(" ")}
    width=${width} height=${height} style=${{ minWidth: `${LEAST * width}px` }}
    aria-label=${`The states of an event. ${now ? `Now: ${now}.` : "No event now."}`}>
    <defs>${arrow("arrow")}${arrow("arrow-recent")}</defs>
    ${drawn.edges.map(
      (edge) => html`<${Edge} key=${nameOf(edge)} edge=${edge} recent=${recent(edge)} />`,
    )}
    ${drawn.nodes.map(
      (node) => html`<${Node} key=${node.name} node=${node} lit=${node.name === lit?.state} />`,
    )}
    ${drawn.edges.map(
      (edge) => html`<${Label} key=${nameOf(edge)} edge=${edge} recent=${recent(edge)} />`,
    )}
  </svg>`;
}

/**
 * What does not fit is scrolled, by keys as well.
 * @param {{children: ComponentChildren}} props
 */
function Scrolled({ children }) {
  const ref = useRef(null);
  const wide = useOverflow(ref);
  return html`<div class="state-chart-scroll" ref=${ref} tabindex=${wide ? 0 : undefined}
    role=${wide ? "group" : undefined} aria-label=${wide ? "States of an event" : undefined}>${children}</div>`;
}

export function MachineCard() {
  const now = latest();
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
          <${Drawing} drawn=${drawn} lit=${lit} last=${machine.value?.last} />
        <//>`
        : html`<p class="muted">Waiting for the controller's chart…</p>`
    }
    ${now.waits.map((line) =>
      note("hourglass", `The edited file takes effect when no event is live: ${line}.`),
    )}
  </section>`;
}

async function fetchMachine() {
  try {
    machine.value = await get("/api/v1/machine");
  } catch {
    // The chart on the page stays; the next connection or transition asks again.
  }
}

/** Called once, when the page starts. */
export function start() {
  effect(() => {
    const changes = [connections.value, positions.value, transition.value];
    if (changes[0]) fetchMachine();
  });
}
