// Viewer: the source itself, with the quoted bytes highlighted.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import * as api from './api';
import type { StoredDocument, Verdict } from './events';
import { Close } from './icons';
import type { Failure } from './reply';
import { cutAround, decode, encode } from './utf8';
import { useWords } from './words';

export interface Place {
  document_id: string;
  collection: string;
  version: number; // 0: the newest
  title: string;
  start: number; // bytes
  end: number;
  quote: string; // text[start:end]; empty: nothing is highlighted
  number?: number;
  verdict?: Verdict;
}

interface Loaded {
  document: StoredDocument;
  bytes: Uint8Array;
  start: number;
  end: number;
  moved: boolean; // the quote is not there any more
}

const kMargin = 24_000; // bytes on either side at first

export function locate(document: StoredDocument, place: Place): Loaded {
  const bytes = encode(document.text);
  const there = { document, bytes, moved: false };
  const { start, end, quote } = place;
  if (!quote || decode(bytes.subarray(start, end)) === quote) return { ...there, start, end };
  const at = document.text.indexOf(quote);
  if (at < 0) return { document, bytes, start: 0, end: 0, moved: true };
  const from = encode(document.text.slice(0, at)).length;
  return { ...there, start: from, end: from + encode(quote).length };
}

// Lines of a text with those that are headings of Markdown set off; every character stays.
function lines(text: string, atLineStart: boolean): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let plain = 0;
  const heading = /^(#{1,6} )(.*)$/gm;
  for (let found = heading.exec(text); found; found = heading.exec(text)) {
    if (found.index === 0 && !atLineStart) continue;
    if (found.index > plain) out.push(text.slice(plain, found.index));
    out.push(
      <b key={found.index} class="heading">
        <i>{found[1]}</i>
        {found[2]}
      </b>,
    );
    plain = found.index + found[0].length;
  }
  if (plain < text.length) out.push(text.slice(plain));
  return out;
}

export function isWebAddress(uri: string): boolean {
  try {
    return /^https?:\/\//i.test(uri) && ['http:', 'https:'].includes(new URL(uri).protocol);
  } catch {
    return false;
  }
}

export function Viewer({ place, close }: { place: Place; close: () => void }) {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const mark = useRef<HTMLElement>(null);
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [margin, setMargin] = useState(kMargin);

  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => {
    const abort = new AbortController();
    setLoaded(null);
    setFailure(null);
    setMargin(kMargin);
    api
      .getDocument(place.document_id, place.collection, place.version, abort.signal)
      .then((document) => setLoaded(locate(document, place)))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) {
          setFailure(
            error instanceof api.Failed ? error.failure : { kind: 'other', message: String(error) },
          );
        }
      });
    return () => abort.abort();
  }, [place, attempt]);
  useEffect(() => {
    mark.current?.scrollIntoView({ block: 'center' });
  }, [loaded]);

  const cut = loaded && cutAround(loaded.bytes, loaded.start, loaded.end, margin);
  return (
    <dialog
      ref={dialog}
      class="panel viewer"
      aria-labelledby="viewer-title"
      onClose={close}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
    >
      <header>
        <div>
          <h2 id="viewer-title">
            {place.number ? <span class="number">{place.number}</span> : null}
            {place.title || place.document_id}
          </h2>
          <p class="where">
            {place.document_id}
            {place.verdict && place.verdict !== 'unchecked' ? (
              <span class={`tag ${place.verdict}`}>{words.verdicts[place.verdict]}</span>
            ) : null}
            {loaded && isWebAddress(loaded.document.uri) ? (
              <a href={loaded.document.uri} target="_blank" rel="noopener noreferrer">
                {words.original}
              </a>
            ) : null}
          </p>
        </div>
        <button
          type="button"
          class="icon"
          aria-label={words.close}
          onClick={() => dialog.current?.close()}
        >
          <Close />
        </button>
      </header>
      <div class="document" tabIndex={0} role="region" aria-labelledby="viewer-title">
        {failure ? (
          <div class="notice bad" role="alert">
            <p>
              {words.failures[failure.kind]} {failure.message}
            </p>
            <button type="button" onClick={() => setAttempt(attempt + 1)}>
              {words.retry}
            </button>
          </div>
        ) : !cut || !loaded ? (
          <p class="quiet">{words.loading}…</p>
        ) : (
          <>
            {loaded.moved && <p class="notice">{words.quoteMoved}</p>}
            {cut.cutBefore && (
              <button type="button" class="more" onClick={() => setMargin(margin * 8)}>
                {words.earlier}
              </button>
            )}
            <div class="text">
              {lines(cut.before, true)}
              {cut.inside && place.quote && !loaded.moved ? (
                <mark ref={mark}>{cut.inside}</mark>
              ) : (
                cut.inside
              )}
              {lines(cut.after, cut.before === '' && cut.inside === '')}
            </div>
            {cut.cutAfter && (
              <button type="button" class="more" onClick={() => setMargin(margin * 8)}>
                {words.later}
              </button>
            )}
          </>
        )}
      </div>
    </dialog>
  );
}
