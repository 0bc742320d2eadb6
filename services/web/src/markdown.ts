// Markdown, the strict subset: what a model wrote becomes a tree of the few kinds below, and nothing
// else. There is no kind for links, images or HTML: their source stays what it is, text. Entities
// are not decoded. Linear in the text, whatever it holds. `at` counts UTF-16 units of the source.

export type Inline =
  | { kind: 'text'; text: string; at: number } // as it stands in the source, from `at` on
  | { kind: 'code'; text: string }
  | { kind: 'break' }
  | { kind: 'strong' | 'em'; of: Inline[] }
  | { kind: 'marker'; number: number; at: number };

export interface Item {
  depth: number; // 0..3
  of: Inline[];
}

export type Block =
  | { kind: 'paragraph' | 'heading' | 'quote'; of: Inline[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Item[] }
  | { kind: 'table'; rows: Inline[][][] } // the first one is the head
  | { kind: 'code'; text: string };

interface Line {
  start: number;
  end: number; // without the line break
}

const kFence = /^ {0,3}(`{3,}|~{3,})/;
const kHeading = /^ {0,3}#{1,6}[ \t]+/;
const kQuote = /^ {0,3}>[ \t]?/;
const kItem = /^([ \t]*)(?:[-*+]|(\d{1,4})[.)])[ \t]+/;
const kRule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const kTableRule = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const kMaxColumns = 12;

export function parse(source: string): Block[] {
  const lines = splitLines(source);
  const text = (line: Line) => source.slice(line.start, line.end);
  const blocks: Block[] = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i] as Line;
    const words = text(line);
    if (words.trim() === '') {
      ++i;
      continue;
    }
    const fence = kFence.exec(words);
    if (fence) {
      const mark = fence[1] as string;
      const body: string[] = [];
      for (++i; i < lines.length; ++i) {
        const inner = text(lines[i] as Line);
        const trimmed = inner.trim();
        if (trimmed.startsWith(mark) && trimmed === (mark[0] as string).repeat(trimmed.length)) {
          ++i;
          break;
        }
        body.push(inner);
      }
      blocks.push({ kind: 'code', text: body.join('\n') });
      continue;
    }
    if (kRule.test(words)) {
      ++i;
      continue;
    }
    const heading = kHeading.exec(words);
    if (heading) {
      blocks.push({
        kind: 'heading',
        of: inline(source, line.start + heading[0].length, line.end),
      });
      ++i;
      continue;
    }
    if (kQuote.test(words)) {
      const of: Inline[] = [];
      for (; i < lines.length; ++i) {
        const quoted = lines[i] as Line;
        const mark = kQuote.exec(text(quoted));
        if (!mark) break;
        if (of.length > 0) of.push({ kind: 'break' });
        of.push(...inline(source, quoted.start + mark[0].length, quoted.end));
      }
      blocks.push({ kind: 'quote', of });
      continue;
    }
    const item = kItem.exec(words);
    if (item) {
      const ordered = item[2] !== undefined;
      const items: Item[] = [];
      for (; i < lines.length; ++i) {
        const next = lines[i] as Line;
        const said = text(next);
        const mark = kItem.exec(said);
        if (mark && !kRule.test(said)) {
          const depth = Math.min(3, width(mark[1] as string) >> 1);
          if (depth === 0 && (mark[2] !== undefined) !== ordered) break;
          items.push({ depth, of: inline(source, next.start + mark[0].length, next.end) });
        } else if (said.trim() === '') {
          // A list goes on behind an empty line if an item follows.
          const after = lines[i + 1];
          if (!after || !kItem.test(text(after))) break;
        } else if (/^[ \t]{2,}/.test(said)) {
          const last = items[items.length - 1] as Item;
          const indent = said.length - said.trimStart().length;
          last.of.push({ kind: 'break' }, ...inline(source, next.start + indent, next.end));
        } else {
          break;
        }
      }
      blocks.push({ kind: 'list', ordered, start: Number(item[2] ?? 1), items });
      continue;
    }
    const below = lines[i + 1];
    if (words.includes('|') && below && text(below).includes('-') && kTableRule.test(text(below))) {
      const rows = [row(source, line)];
      for (i += 2; i < lines.length && text(lines[i] as Line).includes('|'); ++i) {
        rows.push(row(source, lines[i] as Line));
      }
      blocks.push({ kind: 'table', rows });
      continue;
    }
    let last = i;
    while (last + 1 < lines.length) {
      const next = text(lines[last + 1] as Line);
      if (next.trim() === '' || kFence.test(next) || kHeading.test(next) || kQuote.test(next))
        break;
      if (kItem.test(next) || kRule.test(next)) break;
      ++last;
    }
    blocks.push({ kind: 'paragraph', of: inline(source, line.start, (lines[last] as Line).end) });
    i = last + 1;
  }
  return blocks;
}

function splitLines(source: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start <= source.length;) {
    let end = source.indexOf('\n', start);
    if (end < 0) end = source.length;
    lines.push({ start, end: end > start && source[end - 1] === '\r' ? end - 1 : end });
    start = end + 1;
  }
  return lines;
}

function width(blanks: string): number {
  let columns = 0;
  for (const c of blanks) columns += c === '\t' ? 4 : 1;
  return columns;
}

function row(source: string, line: Line): Inline[][] {
  const cells: Inline[][] = [];
  let from = line.start;
  let to = line.end;
  while (from < to && ' \t'.includes(source[from] as string)) ++from;
  while (to > from && ' \t'.includes(source[to - 1] as string)) --to;
  if (source[from] === '|') ++from;
  if (to > from && source[to - 1] === '|') --to;
  for (let start = from; start <= to;) {
    let end = source.indexOf('|', start);
    if (end < 0 || end > to || cells.length === kMaxColumns - 1) end = to;
    cells.push(inline(source, start, end));
    start = end + 1;
  }
  return cells;
}

interface Open {
  mark: string;
  at: number;
  into: Inline[]; // what stood before the opener goes on here
}

const kMarker = /\[(\d{1,3})\]/y;
const kWord = /[\p{L}\p{N}]/u;
const kDigit = /[0-9]/;

function inline(source: string, from: number, to: number): Inline[] {
  const open: Open[] = [];
  let out: Inline[] = [];
  let plain = from; // where text that is not yet in `out` begins
  const flush = (end: number) => {
    if (end > plain) say(out, source.slice(plain, end), plain);
  };
  // Runs of backticks by length: once one has no partner, later ones have none either.
  const alone = new Set<number>();
  let i = from;
  while (i < to) {
    const c = source[i] as string;
    if (c === '\n') {
      flush(i > plain && source[i - 1] === '\r' ? i - 1 : i);
      out.push({ kind: 'break' });
      plain = ++i;
    } else if (c === '\\' && i + 1 < to && '\\`*_[]#|'.includes(source[i + 1] as string)) {
      flush(i);
      plain = i + 1;
      i += 2;
    } else if (c === '`') {
      let ticks = 1;
      while (i + ticks < to && source[i + ticks] === '`') ++ticks;
      const end = alone.has(ticks) ? -1 : closingTicks(source, i + ticks, to, ticks);
      if (end < 0) {
        alone.add(ticks);
        i += ticks;
      } else {
        flush(i);
        out.push({ kind: 'code', text: source.slice(i + ticks, end) });
        plain = i = end + ticks;
      }
    } else if (c === '[') {
      kMarker.lastIndex = i;
      const found = kMarker.exec(source);
      // "[1](...)" and "[1]: ..." would be links elsewhere: here they are text.
      const next = found ? source[i + found[0].length] : undefined;
      if (found && i + found[0].length <= to && next !== '(' && next !== ':') {
        flush(i);
        out.push({ kind: 'marker', number: Number(found[1]), at: i });
        plain = i += found[0].length;
      } else {
        ++i;
      }
    } else if (c === '*' || c === '_') {
      const mark = source[i + 1] === c && i + 1 < to ? c + c : c;
      const before = i > from ? (source[i - 1] as string) : ' ';
      const after = i + mark.length < to ? (source[i + mark.length] as string) : ' ';
      const inWord = (c === '_' ? kWord : kDigit).test(before) && kWord.test(after);
      const top = open.map((o) => o.mark).lastIndexOf(mark);
      if (!inWord && top >= 0 && before.trim() !== '') {
        flush(i);
        unwind(top + 1);
        const { into } = open.pop() as Open;
        into.push({ kind: mark.length === 2 ? 'strong' : 'em', of: out });
        out = into;
        plain = i += mark.length;
      } else if (!inWord && top < 0 && after.trim() !== '' && open.length < 4) {
        flush(i);
        open.push({ mark, at: i, into: out });
        out = [];
        plain = i += mark.length;
      } else {
        i += mark.length;
      }
    } else {
      ++i;
    }
  }
  flush(to);
  unwind(0);
  return out;

  // Openers from `level` on had no closer: they are text.
  function unwind(level: number) {
    while (open.length > level) {
      const { mark, at, into } = open.pop() as Open;
      say(into, mark, at);
      for (const part of out) {
        if (part.kind === 'text') say(into, part.text, part.at);
        else into.push(part);
      }
      out = into;
    }
  }
}

function say(out: Inline[], text: string, at: number) {
  const last = out[out.length - 1];
  if (last && last.kind === 'text' && last.at + last.text.length === at) last.text += text;
  else out.push({ kind: 'text', text, at });
}

function closingTicks(source: string, from: number, to: number, ticks: number): number {
  for (let i = from; i < to;) {
    if (source[i] !== '`') {
      ++i;
      continue;
    }
    let run = 1;
    while (i + run < to && source[i + run] === '`') ++run;
    if (run === ticks) return i;
    i += run;
  }
  return -1;
}
