// Claims: which sentences of an answer its sources carry, and which citation a marker stands for.
// Pure. The server counts bytes of UTF-8, a tree of Markdown UTF-16 units.
import type { Citation, Sentence, Verdict } from './events';
import type { Inline } from './markdown';

export interface Claim {
  start: number; // UTF-16 units of the answer
  end: number;
  verdict: Verdict;
  problems: string[];
}

const kBest: readonly Verdict[] = ['supported', 'partly', 'unchecked', 'unsupported'];

// Turns offsets in bytes into offsets in UTF-16 units. `bytes` ascends.
export function unitsOf(text: string, bytes: number[]): number[] {
  const units: number[] = [];
  let unit = 0;
  let byte = 0;
  for (const wanted of bytes) {
    while (byte < wanted && unit < text.length) {
      const code = text.codePointAt(unit) as number;
      byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      unit += code < 0x10000 ? 1 : 2;
    }
    units.push(unit);
  }
  return units;
}

// The checked sentences of an answer; of a server that checks none, those that are cited.
export function claimsOf(text: string, citations: Citation[], sentences: Sentence[]): Claim[] {
  let ranges: Sentence[] = sentences;
  if (ranges.length === 0) {
    const byStart = new Map<number, Sentence>();
    for (const { answer_start: start, answer_end: end, verdict } of citations) {
      const known = byStart.get(start);
      if (!known) byStart.set(start, { start, end, verdict });
      else if (kBest.indexOf(verdict) < kBest.indexOf(known.verdict)) known.verdict = verdict;
    }
    ranges = [...byStart.values()];
  }
  ranges = ranges.filter((r) => r.end > r.start).sort((a, b) => a.start - b.start);
  const starts = unitsOf(
    text,
    ranges.map((r) => r.start),
  );
  const ends = ranges.map((r) => r.end).sort((a, b) => a - b);
  const endUnits = unitsOf(text, ends);
  const endOf = new Map(ends.map((byte, i) => [byte, endUnits[i] as number]));
  return ranges.map((range, i) => ({
    start: starts[i] as number,
    end: endOf.get(range.end) as number,
    verdict: range.verdict,
    problems: range.problems ?? [],
  }));
}

// The citation of marker [number] at `at` bytes: the one whose sentence holds it or ends last
// before it.
export function citationAt(citations: Citation[], number: number, at: number): Citation | null {
  let best: Citation | null = null;
  for (const citation of citations) {
    if (citation.marker !== number || citation.answer_start > at) continue;
    if (!best || citation.answer_start >= best.answer_start) best = citation;
  }
  return best;
}

export type Piece =
  | Exclude<Inline, { of: Inline[] }>
  | { kind: 'strong' | 'em'; of: Piece[] }
  | { kind: 'claim'; claim: Claim; text: string }
  | { kind: 'tag'; claim: Claim }; // behind a claim and its markers

// Cuts the texts of one row of the tree at the bounds of the claims, which do not overlap.
export function cutClaims(row: Inline[], claims: Claim[]): Piece[] {
  let open: Claim | null = null;
  let blank: Piece | null = null; // between a claim and what decides where its tag stands
  const cut = (parts: Inline[]): Piece[] => {
    const out: Piece[] = [];
    const close = () => {
      if (open) out.push({ kind: 'tag', claim: open });
      if (blank) out.push(blank);
      open = blank = null;
    };
    const say = (text: string, at: number) => {
      if (open && !blank && text.trim() === '') {
        blank = { kind: 'text', text, at };
      } else {
        close();
        out.push({ kind: 'text', text, at });
      }
    };
    for (const part of parts) {
      if (part.kind === 'strong' || part.kind === 'em') {
        out.push({ kind: part.kind, of: cut(part.of) });
        continue;
      }
      if (part.kind !== 'text') {
        if (blank) out.push(blank);
        blank = null;
        out.push(part);
        continue;
      }
      let from = part.at;
      const end = part.at + part.text.length;
      const slice = (a: number, b: number) => part.text.slice(a - part.at, b - part.at);
      for (const claim of claims) {
        if (claim.end <= from || claim.start >= end) continue;
        const first = Math.max(from, claim.start);
        const last = Math.min(end, claim.end);
        if (first > from) say(slice(from, first), from);
        if (open !== claim) close();
        if (blank) out.push(blank);
        blank = null;
        open = claim;
        out.push({ kind: 'claim', claim, text: slice(first, last) });
        from = last;
      }
      if (from < end) say(slice(from, end), from);
    }
    return out;
  };
  const pieces = cut(row);
  if (open) pieces.push({ kind: 'tag', claim: open });
  return pieces;
}

export function countVerdicts(claims: Claim[]): Record<Verdict, number> {
  const counts = { supported: 0, partly: 0, unsupported: 0, unchecked: 0 };
  for (const claim of claims) ++counts[claim.verdict];
  return counts;
}
