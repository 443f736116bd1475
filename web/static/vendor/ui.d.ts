export { Fragment, render } from "preact";
export { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
export { batch, computed, effect, signal, useSignal } from "@preact/signals";
export function html(parts: TemplateStringsArray, ...values: unknown[]): import("preact").VNode;
