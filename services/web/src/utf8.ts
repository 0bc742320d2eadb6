// Offsets of the server are bytes of UTF-8; JavaScript counts UTF-16 units. Texts from the server
// are whole UTF-8, so that lone surrogates do not occur.

const encoder = new TextEncoder();
// Without ignoreBOM a U+FEFF at the start of a slice would be swallowed.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

// Bytes of the first `units` UTF-16 units.
export function bytesBefore(text: string, units: number): number {
  let bytes = 0;
  for (let i = 0; i < units; ++i) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xe000)
      bytes += 2; // half of four
    else bytes += 3;
  }
  return bytes;
}

// Moves back to where a code point begins.
export function boundary(bytes: Uint8Array, at: number): number {
  let i = Math.max(0, Math.min(at, bytes.length));
  while (i > 0 && i < bytes.length && ((bytes[i] as number) & 0xc0) === 0x80) --i;
  return i;
}

export interface Cut {
  before: string;
  inside: string;
  after: string;
  cutBefore: boolean; // bytes are left out at the front
  cutAfter: boolean;
}

// A text around its bytes [start, end), with at most `margin` bytes on either side.
export function cutAround(bytes: Uint8Array, start: number, end: number, margin: number): Cut {
  const from = boundary(bytes, start);
  const to = Math.max(from, boundary(bytes, end));
  const first = margin < from ? lineStart(bytes, boundary(bytes, from - margin)) : 0;
  const last = to + margin < bytes.length ? boundary(bytes, to + margin) : bytes.length;
  return {
    before: decode(bytes.subarray(first, from)),
    inside: decode(bytes.subarray(from, to)),
    after: decode(bytes.subarray(to, last)),
    cutBefore: first > 0,
    cutAfter: last < bytes.length,
  };
}

// The start of the line that holds `at`, unless that is far.
function lineStart(bytes: Uint8Array, at: number): number {
  for (let i = at; i > 0 && i > at - 400; --i) if (bytes[i - 1] === 0x0a) return i;
  return at;
}
