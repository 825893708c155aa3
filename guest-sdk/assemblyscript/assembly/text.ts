/** Writes a number in decimal, so that it reads back as the same: `3`, `0.25`, `1.5e+30`, `NaN`. */
export function decimal(value: f64): string {
  const text = value.toString();
  return text.endsWith(".0") ? text.substring(0, text.length - 2) : text;
}

/** The text as bytes in UTF-8. Half a surrogate pair becomes U+FFFD. */
export function toUtf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE));
}

/** The text of bytes in UTF-8. Each byte that is not UTF-8 becomes U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  const units = new StaticArray<u16>(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const first: u32 = bytes[at];
    const size = sequence(first);
    let code: u32 = size == 1 ? first : first & (0x7f >> size);
    let used = 1;
    while (used < size && at + used < bytes.length && (bytes[at + used] & 0xc0) == 0x80) {
      code = (code << 6) | (bytes[at + used] & 0x3f);
      used++;
    }
    if (used < size || !size || !isWhole(code, size)) {
      code = 0xfffd;
      used = 1;
    }
    if (code > 0xffff) {
      units[length++] = <u16>(0xd7c0 + (code >> 10));
      units[length++] = <u16>(0xdc00 | (code & 0x3ff));
    } else {
      units[length++] = <u16>code;
    }
    at += used;
  }
  return String.UTF16.decodeUnsafe(changetype<usize>(units), <usize>length << 1);
}

/** How many bytes a sequence has that starts with this one; 0 when none does. */
function sequence(first: u32): i32 {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

/** Whether a code point is one, and has no shorter sequence. */
function isWhole(code: u32, size: i32): bool {
  if (size == 3) return code >= 0x800 && (code & 0xf800) != 0xd800;
  if (size == 4) return code >= 0x10000 && code <= 0x10ffff;
  return true;
}

/**
 * The text with U+FFFD for each half of a surrogate pair, such as `substring` may
 * leave: no such text can be handed to the host. Almost always the same text.
 */
export function whole(text: string): string {
  const data = changetype<usize>(text);
  const size = <usize>text.length << 1;
  let at: usize = 0;
  // Four units at a time: the high bit of a unit that comes out as 0 gets set.
  for (; at + 8 <= size; at += 8) {
    const units = (load<u64>(data + at) & 0xf800f800f800f800) ^ 0xd800d800d800d800;
    if ((units - 0x0001000100010001) & ~units & 0x8000800080008000) return repaired(text);
  }
  for (; at < size; at += 2) {
    if ((load<u16>(data + at) & 0xf800) == 0xd800) return repaired(text);
  }
  return text;
}

function repaired(text: string): string {
  const utf8 = toUtf8(text);
  const same = fromUtf8(utf8);
  return same == text ? text : same;
}

/** Whether two texts are the same but for the case of ASCII letters. */
export function equalsIgnoreCase(a: string, b: string): bool {
  if (a.length != b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (lower(a.charCodeAt(i)) != lower(b.charCodeAt(i))) return false;
  }
  return true;
}

function lower(unit: i32): i32 {
  return unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit;
}
