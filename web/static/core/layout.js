// Places a chart's states and transitions: dagre decides where, the machine card draws.
import { Graph, layout } from "../vendor/dagre.js";

/** @import { Chart } from "./bodies.js" */

/** @typedef {{name: string, label: string, final: boolean}} Node */

/** @typedef {{from: string, to: string, words: string[]}} Edge */

/** @typedef {{nodes: Node[], edges: Edge[]}} ChartGraph */

/** @typedef {{x: number, y: number}} Point */

/** @typedef {Node & Point & {width: number, height: number}} PlacedNode */

/** @typedef {Edge & Point & {path: string, line: number}} PlacedEdge */

const HEIGHT = 34;
const LINE = 13;
const LETTER = 5.9; // mean width at 11 px
const LOOP = 18; // how far a transition into the same state stands off its node
const SAME = "same";

/**
 * What happened, for the triggers that every chart knows.
 * @type {Record<string, string>}
 */
const HAPPENED = {
  dr_event: "called",
  started: "start time",
  ended: "time is up",
  restore: "restored",
  cancel: "cancelled",
  released: "load is back",
  elapsed: "time passed",
};

/** @param {string} trigger */
const words = (trigger) => HAPPENED[trigger] ?? trigger.replaceAll("_", " ");

/** @param {Map<string, Edge>} edges @param {string} from @param {string} to @param {string} trigger */
function addEdge(edges, from, to, trigger) {
  const key = `${from}>${to}`;
  const edge = edges.get(key) ?? { from, to, words: [] };
  if (!edge.words.includes(words(trigger))) edge.words.push(words(trigger));
  edges.set(key, edge);
}

/**
 * A chart of GET /api/v1/machine as {nodes, edges}: one edge for each pair of states that some row
 * joins, with the words of all its triggers. Rows that stay put are no edges.
 * @param {Chart} chart
 * @returns {ChartGraph}
 */
export function graphOf(chart) {
  /** @type {Map<string, Edge>} */
  const edges = new Map();
  for (const row of chart.rows) {
    if (row.to === null) continue;
    for (const from of row.from) addEdge(edges, from, row.to === SAME ? from : row.to, row.trigger);
  }
  const nodes = chart.states.map(({ name, label, final }) => ({ name, label, final }));
  return { nodes, edges: [...edges.values()] };
}

/** @param {Edge} edge */
const textSize = ({ words: lines }) => ({
  width: Math.max(...lines.map((word) => word.length)) * LETTER + 4,
  height: lines.length * LINE,
});

/** @param {Node} node */
const widthOf = ({ label }) => Math.max(70, label.length * 7 + 18);

/** @param {Edge} edge */
const isLoop = ({ from, to }) => from === to;

/**
 * The space a loop and its words need beside a node: above it, or to its right when upright.
 * @param {Node} node @param {Edge[]} edges @param {boolean} upright
 */
function loopRoom(node, edges, upright) {
  const loop = edges.find((edge) => isLoop(edge) && edge.from === node.name);
  if (!loop) return 0;
  const { width, height } = textSize(loop);
  return LOOP + (upright ? width + 4 : height);
}

/** @param {ChartGraph} chart @param {boolean} upright @param {string} ranker */
function place({ nodes, edges }, upright, ranker) {
  const graph = new Graph();
  graph.setGraph(
    upright
      ? { rankdir: "TB", nodesep: 12, ranksep: 30, edgesep: 10, marginx: 2, marginy: 2, ranker }
      : { rankdir: "LR", nodesep: 18, ranksep: 24, edgesep: 12, marginx: 2, marginy: 2, ranker },
  );
  for (const node of nodes) {
    const room = loopRoom(node, edges, upright);
    const [width, height] = upright
      ? [widthOf(node) + room, HEIGHT]
      : [widthOf(node), HEIGHT + room];
    graph.setNode(node.name, { width, height, room });
  }
  for (const edge of edges) {
    if (!isLoop(edge)) graph.setEdge(edge.from, edge.to, { ...textSize(edge), labelpos: "c" });
  }
  layout(graph);
  return graph;
}

/** @param {Point} a @param {Point} b @param {Point} point */
const side = (a, b, point) => (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x);

/** @param {Point[]} first @param {Point[]} second */
const cross = ([a, b], [c, d]) =>
  side(a, b, c) * side(a, b, d) < -1e-6 && side(c, d, a) * side(c, d, b) < -1e-6;

/** @param {Graph} placed */
function crossings(placed) {
  const lines = placed.edges().map((edge) => {
    /** @type {Point[]} */
    const points = placed.edge(edge).points;
    return points.slice(1).map((point, i) => [points[i], point]);
  });
  let count = 0;
  lines.forEach((line, i) => {
    const others = lines.slice(0, i).flat();
    for (const stretch of line) count += others.filter((other) => cross(stretch, other)).length;
  });
  return count;
}

/**
 * dagre stops at the first order it cannot improve, so it starts from several; the clearest wins.
 * @param {ChartGraph} chart @param {boolean} upright
 */
function placeClearly({ nodes, edges }, upright) {
  const tries = [nodes, [...nodes].reverse()].flatMap((order) =>
    ["network-simplex", "longest-path"].map((ranker) =>
      place({ nodes: order, edges }, upright, ranker),
    ),
  );
  const counts = tries.map(crossings);
  return tries[counts.indexOf(Math.min(...counts))];
}

/**
 * The node itself inside the place it has, without the space for its loop.
 * @param {Node} node @param {Graph} placed @param {boolean} upright
 * @returns {PlacedNode}
 */
function box(node, placed, upright) {
  const { x, y, room } = placed.node(node.name);
  const at = upright ? { x: x - room / 2, y } : { x, y: y + room / 2 };
  return { ...node, ...at, width: widthOf(node), height: HEIGHT };
}

/**
 * Where the line from a node's middle to `point` leaves the node.
 * @param {PlacedNode} node @param {Point} point
 */
function border({ x, y, width, height }, point) {
  const [dx, dy] = [point.x - x, point.y - y];
  const scale = Math.min(width / 2 / Math.abs(dx || 1e-9), height / 2 / Math.abs(dy || 1e-9));
  return { x: x + dx * scale, y: y + dy * scale };
}

/** @param {Point} point */
const at = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;

/**
 * A smooth line through all of dagre's points: the words stand on one of them.
 * @param {PlacedNode} from @param {Point[]} points @param {PlacedNode} to
 */
function curve(from, points, to) {
  const inner = points.slice(1, -1);
  const all = [border(from, inner[0]), ...inner, border(to, inner[inner.length - 1])];
  let path = `M${at(all[0])}`;
  for (let i = 1; i < all.length; i += 1) {
    const [before, a, b, after] = [
      all[i - 2] ?? all[i - 1],
      all[i - 1],
      all[i],
      all[i + 1] ?? all[i],
    ];
    const leave = { x: a.x + (b.x - before.x) / 6, y: a.y + (b.y - before.y) / 6 };
    const arrive = { x: b.x - (after.x - a.x) / 6, y: b.y - (after.y - a.y) / 6 };
    path += `C${at(leave)} ${at(arrive)} ${at(b)}`;
  }
  return path;
}

/**
 * A transition into the same state: a small bow above its node, or to its right when upright.
 * @param {Edge} edge @param {PlacedNode} node @param {boolean} upright
 */
function loop(edge, { x, y, width, height }, upright) {
  const text = textSize(edge);
  /** @param {string[]} points */
  const path = (...points) => `M${points[0]}C${points.slice(1).join(" ")}`;
  if (upright) {
    const [near, far] = [x + width / 2, x + width / 2 + LOOP];
    const bow = path(
      `${near} ${y - 8}`,
      `${far} ${y - 14}`,
      `${far} ${y + 14}`,
      `${near} ${y + 8}`,
    );
    return { path: bow, x: far + text.width / 2, y: y - (text.height - LINE) / 2 };
  }
  const [near, far] = [y - height / 2, y - height / 2 - LOOP];
  const bow = path(
    `${x - 10} ${near}`,
    `${x - 18} ${far}`,
    `${x + 18} ${far}`,
    `${x + 10} ${near}`,
  );
  return { path: bow, x, y: far - text.height + LINE / 2 + 2 };
}

/**
 * What is really drawn on, since a smooth line swings wider than its points: [left, top, right,
 * bottom].
 * @param {PlacedNode[]} nodes @param {PlacedEdge[]} edges
 */
function bounds(nodes, edges) {
  const xs = nodes.flatMap(({ x, width }) => [x - width / 2, x + width / 2]);
  const ys = nodes.flatMap(({ y, height }) => [y - height / 2, y + height / 2]);
  for (const edge of edges) {
    const numbers = Array.from(edge.path.matchAll(/-?[\d.]+/g), Number);
    const { width, height } = textSize(edge);
    xs.push(...numbers.filter((_, i) => i % 2 === 0), edge.x - width / 2, edge.x + width / 2);
    ys.push(...numbers.filter((_, i) => i % 2 === 1), edge.y - LINE / 2, edge.y + height);
  }
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/**
 * Everything to draw, in pixels: left, top, width, height, nodes {x, y, ...} and edges
 * {path, x, y, ...}, where x and y are the middle of a node, and of the first line of an edge's
 * words.
 * @param {ChartGraph} graph @param {boolean} upright
 */
export function layOut(graph, upright) {
  const placed = placeClearly(graph, upright);
  const drawn = graph.nodes.map((node) => box(node, placed, upright));
  const nodes = Object.fromEntries(drawn.map((node) => [node.name, node]));
  const edges = graph.edges.map((edge) => {
    const [from, to] = [nodes[edge.from], nodes[edge.to]];
    if (from === to) return { ...edge, line: LINE, ...loop(edge, from, upright) };
    const { points, x, y } = placed.edge(edge.from, edge.to);
    const first = y - ((edge.words.length - 1) * LINE) / 2;
    return { ...edge, line: LINE, path: curve(from, points, to), x, y: first };
  });
  const [left, top, right, bottom] = bounds(drawn, edges);
  return {
    left: Math.floor(left) - 2,
    top: Math.floor(top) - 2,
    width: Math.ceil(right - left) + 4,
    height: Math.ceil(bottom - top) + 4,
    nodes: drawn,
    edges,
  };
}
