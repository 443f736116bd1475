/**
 * Text with ordinary spaces, and without the marks around names and times.
 * @param {string} text
 */
export const plain = (text) => text.replaceAll("\u00a0", " ").replace(/[\u2068\u2069]/g, "");
