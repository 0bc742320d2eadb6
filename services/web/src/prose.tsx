// Prose: a tree of Markdown as elements. The only things to click in it are the markers of sources
// that the server named.
import type { ComponentChildren, VNode } from 'preact';

import { citationAt, cutClaims, type Claim, type Piece } from './claims';
import type { Citation, Hit } from './events';
import type { Block, Inline } from './markdown';
import { bytesBefore } from './utf8';
import { useWords } from './words';

export interface Source {
  number: number;
  hit: Hit | null;
  citation: Citation | null;
}

export interface Reading {
  text: string; // whose tree it is
  hits: Hit[];
  citations: Citation[];
  claims: Claim[];
  open: (source: Source) => void;
  peek: (source: Source | null, marker: HTMLElement | null) => void;
}

export function Marker({ source, reading }: { source: Source; reading: Reading }) {
  const words = useWords();
  const { number, citation, hit } = source;
  const verdict = citation?.verdict ?? 'unchecked';
  const title = citation?.title || citation?.document_id || hit?.title || hit?.document_id || '';
  const name = words.marker(number, title, citation ? words.verdicts[verdict] : '');
  const show = (event: Event) => reading.peek(source, event.currentTarget as HTMLElement);
  const hide = () => reading.peek(null, null);
  return (
    <button
      type="button"
      class={`marker ${verdict}`}
      aria-label={name}
      onClick={() => reading.open(source)}
      onPointerEnter={(event) => event.pointerType !== 'touch' && show(event)}
      onPointerLeave={hide}
      onFocus={(event) =>
        (event.currentTarget as HTMLElement).matches(':focus-visible') && show(event)
      }
      onBlur={hide}
    >
      {number}
    </button>
  );
}

export function Tag({ claim }: { claim: Claim }) {
  const words = useWords();
  if (claim.verdict !== 'partly' && claim.verdict !== 'unsupported') return null;
  return (
    <span class={`tag ${claim.verdict}`} title={claim.problems.join('; ')}>
      {words.verdicts[claim.verdict]}
    </span>
  );
}

// The last word of a text; of Chinese, which has no blanks, its last character.
const kLastWord = /(?:[\p{L}\p{N}\p{M}]{1,24}[^\p{L}\p{N}\s]{0,4}|\P{M}\p{M}*)$/u;
const kHan = /\P{M}\p{M}*[^\p{L}\p{N}\s]?$/u;

function lastWord(text: string): number {
  const found = (/\p{Script=Han}[^\p{L}\p{N}\s]?$/u.test(text) ? kHan : kLastWord).exec(text);
  return found ? found.index : text.length;
}

function pieces(parts: Piece[], reading: Reading): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let glue: ComponentChildren[] | null = null; // a word and its markers, which keep to one line
  parts.forEach((part, i) => {
    const next = parts[i + 1];
    if ((part.kind === 'text' || part.kind === 'claim') && next?.kind === 'marker') {
      // The blanks between go.
      const text = part.text.trimEnd();
      const cut = lastWord(text);
      const show = (piece: string, key: string) =>
        part.kind === 'claim' && piece ? (
          <span key={key} class={`claim ${part.claim.verdict}`}>
            {piece}
          </span>
        ) : (
          piece
        );
      glue = [show(text.slice(cut), 'last')];
      out.push(
        show(text.slice(0, cut), `${i}`),
        <span key={`glue ${i}`} class="glue">
          {glue}
        </span>,
      );
      return;
    }
    const shown = piece(part, i, reading);
    if (part.kind === 'marker' && glue) {
      glue.push(shown);
    } else {
      glue = null;
      out.push(shown);
    }
  });
  return out;
}

function piece(part: Piece, i: number, reading: Reading): ComponentChildren {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'code':
      return <code key={i}>{part.text}</code>;
    case 'break':
      return <br key={i} />;
    case 'strong':
      return <strong key={i}>{pieces(part.of, reading)}</strong>;
    case 'em':
      return <em key={i}>{pieces(part.of, reading)}</em>;
    case 'claim':
      return (
        <span key={i} class={`claim ${part.claim.verdict}`}>
          {part.text}
        </span>
      );
    case 'tag':
      return <Tag key={i} claim={part.claim} />;
    case 'marker': {
      const { number } = part;
      const citation = citationAt(reading.citations, number, bytesBefore(reading.text, part.at));
      const hit = reading.hits[number - 1] ?? null;
      if (!citation && !hit) return `[${number}]`;
      return <Marker key={i} source={{ number, hit, citation }} reading={reading} />;
    }
  }
}

function inline(row: Inline[], reading: Reading): ComponentChildren[] {
  return pieces(cutClaims(row, reading.claims), reading);
}

export function prose(blocks: Block[], reading: Reading): VNode[] {
  return blocks.map((block, i) => {
    switch (block.kind) {
      case 'paragraph':
        return <p key={i}>{inline(block.of, reading)}</p>;
      case 'heading':
        return <h3 key={i}>{inline(block.of, reading)}</h3>;
      case 'quote':
        return <blockquote key={i}>{inline(block.of, reading)}</blockquote>;
      case 'code':
        return (
          <pre key={i} tabIndex={0}>
            <code>{block.text}</code>
          </pre>
        );
      case 'list': {
        const items = block.items.map((item, j) => (
          <li key={j} class={`depth-${item.depth}`}>
            {inline(item.of, reading)}
          </li>
        ));
        return block.ordered ? (
          <ol key={i} start={block.start}>
            {items}
          </ol>
        ) : (
          <ul key={i}>{items}</ul>
        );
      }
      case 'table': {
        const [head, ...rows] = block.rows;
        return (
          <div key={i} class="table" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  {(head ?? []).map((cell, j) => (
                    <th key={j}>{inline(cell, reading)}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row, r) => (
                  <tr key={r}>
                    {row.map((cell, j) => (
                      <td key={j}>{inline(cell, reading)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      }
    }
  });
}
