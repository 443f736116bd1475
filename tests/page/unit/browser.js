// A browser's language, for modules that ask for it when they load: import this first.

Object.defineProperty(globalThis, "navigator", {
  value: { language: "en-GB" },
  configurable: true,
});
