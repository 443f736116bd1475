// Rebuilds web/static/vendor from the locked packages; only for those who change a version there.
//
//   npm ci && npm run vendor
//
// Two builds are equal to the byte. Everyone else reads the committed output, and
// check_vendor.py holds it against vendor.json without node.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const ICONS = [
  "activity",
  "air-vent",
  "calendar-clock",
  "car",
  "check",
  "circle-check",
  "clock",
  "copy",
  "droplets",
  "eye",
  "fan",
  "hand",
  "heater",
  "hourglass",
  "house",
  "info",
  "key-round",
  "keyboard",
  "lightbulb",
  "lock",
  "lock-open",
  "minus",
  "moon",
  "plug",
  "plus",
  "refrigerator",
  "rotate-ccw",
  "send",
  "shield",
  "sun",
  "sun-moon",
  "table-2",
  "triangle-alert",
  "wifi",
  "wifi-off",
  "x",
  "zap",
];

const root = path.join(import.meta.dirname, "../..");
const out = process.argv[2] ?? path.join(root, "web/static/vendor");
const modules = path.join(root, "node_modules");
const sha256 = (file) => createHash("sha256").update(fs.readFileSync(file)).digest("hex");

/** `exports` is JavaScript that is a declaration of types as well: tsc reads it beside the bundle. */
async function bundle(name, exports, more = { code: "", types: "" }) {
  const contents = `${exports}\n${more.code}`;
  fs.writeFileSync(path.join(out, `${name}.d.ts`), `${exports}\n${more.types}`);
  await build({
    stdin: { contents, resolveDir: root },
    outfile: path.join(out, `${name}.js`),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
  });
}

/** As data in a module: a picture fetched when it is first shown would be missing offline. */
function writeIcons() {
  const nodes = path.join(modules, "lucide-static/icon-nodes.json");
  const all = JSON.parse(fs.readFileSync(nodes, "utf8"));
  const lines = ICONS.map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(all[name])},`);
  const head = "// Lucide icons: [tag, attributes] of each part. See LICENSES/lucide-static.txt";
  fs.writeFileSync(
    path.join(out, "icons.js"),
    `${head}\nexport default {\n${lines.join("\n")}\n};\n`,
  );
  const names = ICONS.map((name) => JSON.stringify(name)).join(" | ");
  const type = `export type IconName = ${names};`;
  const table = "declare const icons: Record<IconName, [string, Record<string, string>][]>;";
  fs.writeFileSync(path.join(out, "icons.d.ts"), `${type}\n${table}\nexport default icons;\n`);
}

function copyLicences(lock) {
  const packages = {};
  for (const [place, entry] of Object.entries(lock.packages)) {
    if (!place || entry.dev) continue;
    const name = place.replace("node_modules/", "");
    const text = fs.readdirSync(path.join(root, place)).find((f) => /^licen[cs]e/i.test(f));
    if (!text) throw new Error(`no licence text in ${name}`);
    const copy = `LICENSES/${name.replace(/[@/]/g, "_")}.txt`;
    fs.copyFileSync(path.join(root, place, text), path.join(out, copy));
    packages[name] = { version: entry.version, license: entry.license, integrity: entry.integrity };
  }
  return packages;
}

function listFiles() {
  const files = {};
  for (const name of fs.readdirSync(out, { recursive: true }).sort()) {
    const file = path.join(out, name);
    if (fs.statSync(file).isDirectory()) continue;
    files[name] = { sha256: sha256(file), bytes: fs.statSync(file).size };
  }
  return files;
}

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(path.join(out, "LICENSES"), { recursive: true });
await bundle(
  "ui",
  `export { Fragment, render } from "preact";
export { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
export { batch, computed, effect, signal, useSignal } from "@preact/signals";`,
  {
    code: `import { h } from "preact";
import htm from "htm";
export const html = htm.bind(h);`,
    types: `export function html(parts: TemplateStringsArray, ...values: unknown[]): import("preact").VNode;
`,
  },
);
await bundle("uplot", `export { default } from "uplot";`);
await bundle("dagre", `export { Graph, layout } from "@dagrejs/dagre";`);
fs.copyFileSync(path.join(modules, "uplot/dist/uPlot.min.css"), path.join(out, "uplot.css"));
fs.copyFileSync(
  path.join(modules, "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
  path.join(out, "inter-latin.woff2"),
);
writeIcons();
const lock = JSON.parse(fs.readFileSync(path.join(root, "package-lock.json"), "utf8"));
const manifest = {
  esbuild: lock.packages["node_modules/esbuild"].version,
  packages: copyLicences(lock),
  files: listFiles(),
};
fs.writeFileSync(path.join(out, "vendor.json"), `${JSON.stringify(manifest, null, 1)}\n`);
