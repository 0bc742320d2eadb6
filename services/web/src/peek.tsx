// Peek: a card at a marker that shows the passage with the quote in it, on hover and focus.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Source } from './prose';
import { cutAround, encode } from './utf8';
import { useWords } from './words';

const kContext = 160; // bytes on either side of the quote

export function Peek(props: {
  source: Source;
  marker: HTMLElement;
  open: (source: Source) => void;
  hold: (held: boolean) => void;
}) {
  const { source, marker } = props;
  const words = useWords();
  const card = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, top: -9999 });
  useLayoutEffect(() => {
    const box = card.current;
    if (!box) return;
    const at = marker.getBoundingClientRect();
    const page = document.documentElement;
    const left = Math.max(
      12,
      Math.min(
        at.left + at.width / 2 - box.offsetWidth / 2,
        page.clientWidth - box.offsetWidth - 12,
      ),
    );
    const below = at.bottom + 8;
    const fits = below + box.offsetHeight < innerHeight - 8;
    setPlace({ left, top: fits ? below : Math.max(8, at.top - box.offsetHeight - 8) });
  }, [source, marker]);

  const { citation, hit } = source;
  const verdict = citation?.verdict ?? 'unchecked';
  return (
    <div
      ref={card}
      id="peek"
      class="peek"
      role="tooltip"
      style={{ left: `${place.left}px`, top: `${place.top}px` }}
      onPointerEnter={() => props.hold(true)}
      onPointerLeave={() => props.hold(false)}
      onClick={() => props.open(source)}
    >
      <p class="head">
        <span class="number">{source.number}</span>
        <strong>
          {citation?.title || hit?.title || citation?.document_id || hit?.document_id}
        </strong>
        {verdict !== 'unchecked' && <span class={`tag ${verdict}`}>{words.verdicts[verdict]}</span>}
      </p>
      <p class="text">{quoteInPassage(source)}</p>
    </div>
  );
}

function quoteInPassage({ citation, hit }: Source) {
  if (!citation) return hit?.text.slice(0, 300);
  const inside =
    hit &&
    hit.document_id === citation.document_id &&
    hit.version === citation.version &&
    hit.start <= citation.start &&
    citation.end <= hit.end;
  if (!inside) return <mark>{citation.quote}</mark>;
  const from = citation.start - hit.start;
  const cut = cutAround(encode(hit.text), from, from + citation.end - citation.start, kContext);
  return (
    <>
      {cut.cutBefore && '… '}
      {cut.before}
      <mark>{cut.inside}</mark>
      {cut.after}
      {cut.cutAfter && ' …'}
    </>
  );
}
