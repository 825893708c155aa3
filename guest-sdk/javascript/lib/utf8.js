/** UTF-8, which the engine has no `TextEncoder` for. */

const REPLACEMENT = 0xfffd;

/**
 * The bytes of a text. A half of a surrogate pair becomes U+FFFD.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function toUtf8(text) {
  const bytes = new Uint8Array(3 * text.length);
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    let code = /** @type {number} */ (text.codePointAt(at));
    if (code > 0xffff) at++;
    if (code >= 0xd800 && code <= 0xdfff) code = REPLACEMENT;
    if (code < 0x80) {
      bytes[end++] = code;
      continue;
    }
    const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    bytes[end++] = ((0xff00 >> (more + 1)) & 0xff) | (code >> (6 * more));
    for (let left = more - 1; left >= 0; left--) bytes[end++] = 0x80 | ((code >> (6 * left)) & 0x3f);
  }
  return bytes.slice(0, end);
}

/**
 * The text of bytes. What is not UTF-8 becomes U+FFFD.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function fromUtf8(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = byteAt(bytes, at++);
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      continue;
    }
    const more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    // What may follow these is narrower: no long forms, no surrogates, nothing above U+10FFFF.
    let least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    let code = lead & (0x3f >> more);
    let left = more;
    for (; left > 0; left--, at++) {
      const next = at < bytes.length ? byteAt(bytes, at) : 0;
      if (next < least || next > most) break;
      code = (code << 6) | (next & 0x3f);
      [least, most] = [0x80, 0xbf];
    }
    text += String.fromCodePoint(more === 0 || left > 0 ? REPLACEMENT : code);
  }
  return text;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 */
function byteAt(bytes, at) {
  return /** @type {number} */ (bytes[at]);
}
