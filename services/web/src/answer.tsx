// Answer: what is shown of one question: place in line, thought, answer, sources, receipt.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import * as api from './api';
import { claimsOf, countVerdicts, type Claim } from './claims';
import type { Hit, Receipt, Verdict } from './events';
import { parse } from './markdown';
import { prose, type Reading, type Source } from './prose';
import type { Failure, Reply } from './reply';
import { useWords } from './words';

type Peek = Reading['peek'];
type Open = Reading['open'];

// The time, anew every `every` milliseconds while `on`.
function useClock(on: boolean, every: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!on) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [on, every]);
  return now;
}

export function Prose(props: { reply: Reply; hits: Hit[]; open: Open; peek: Peek }) {
  const { reply, hits, open, peek } = props;
  const { text, citations, sentences } = reply;
  const body = useMemo(() => {
    const claims = claimsOf(text, citations, sentences);
    return prose(parse(text), { text, hits, citations, claims, open, peek });
  }, [text, citations, sentences, hits, open, peek]);
  const writing = reply.end === '' && reply.stage === 'writing';
  return <div class={`prose${writing ? ' writing' : ''}`}>{body}</div>;
}

export function Status({ reply }: { reply: Reply }) {
  const words = useWords();
  const now = useClock(reply.end === '' && reply.stage === 'queued', 500);
  let told = '';
  let more = '';
  if (reply.end === 'stopped') told = words.stopped;
  else if (reply.end === 'finished') told = words.done;
  else if (reply.end === 'failed') told = '';
  else if (reply.stage === 'asking') told = words.asking;
  else if (reply.stage === 'queued') {
    const left = Math.max(0, Math.ceil((reply.eta - (now - reply.toldAt)) / 1000));
    told = words.queued(reply.place, left);
    more = reply.rung ? words.rungs[reply.rung] : '';
  } else if (reply.stage === 'searching') told = reply.hits ? words.reading : words.searching;
  else if (reply.stage === 'thinking') told = words.thinking;
  else told = words.writing;
  const busy = reply.end === '';
  // The thought shows its own time, a whole answer speaks for itself: told to screen readers only.
  const unseen = reply.end === 'finished' || (busy && reply.stage === 'thinking') || told === '';
  return (
    <p class={unseen ? 'unseen' : 'status'} role="status">
      {busy && <span class="pulse" aria-hidden="true" />}
      {told}
      {more && <span class="quiet"> — {more}</span>}
    </p>
  );
}

export function Thought({ reply }: { reply: Reply }) {
  const words = useWords();
  const thinking = reply.thinkingUntil === 0;
  const now = useClock(thinking && reply.end === '', 100);
  const [turned, setTurned] = useState<boolean | null>(null); // by the reader
  const [hurried, setHurried] = useState(false);
  const body = useRef<HTMLDivElement>(null);
  const open = turned ?? thinking;
  useEffect(() => {
    if (thinking && body.current) body.current.scrollTop = body.current.scrollHeight;
  }, [reply.thought, open]);
  const until = thinking ? Math.max(now, reply.thinkingSince) : reply.thinkingUntil;
  const time = words.seconds(Math.max(0.1, (until - reply.thinkingSince) / 1000));
  return (
    <section class="thought">
      <button
        type="button"
        class="fold"
        aria-expanded={open}
        aria-controls="thought"
        onClick={() => setTurned(!open)}
      >
        <span class="chevron" aria-hidden="true" />
        {thinking ? `${words.thinking} ${time}` : words.thought(time)}
      </button>
      {thinking && reply.end === '' && reply.requestId !== '' && (
        <button
          type="button"
          class="now"
          disabled={hurried}
          onClick={() => {
            setHurried(true);
            // It may have begun to answer by itself; else the button can be pressed once more.
            api.answerNow(reply.requestId).catch(() => setHurried(false));
          }}
        >
          {words.answerNow}
        </button>
      )}
      <div id="thought" ref={body} class={thinking ? 'live' : ''} hidden={!open} tabIndex={0}>
        {reply.thought}
      </div>
    </section>
  );
}

export function Verdicts({ claims }: { claims: Claim[] }) {
  const words = useWords();
  const counts = countVerdicts(claims);
  const order: Verdict[] = ['supported', 'partly', 'unsupported'];
  const there = order.filter((verdict) => counts[verdict] > 0);
  if (there.length === 0) return null;
  return (
    <ul class="verdicts" aria-label={words.sentences}>
      {there.map((verdict) => (
        <li key={verdict} class={verdict}>
          <i aria-hidden="true" />
          {words.verdictCounts[verdict](counts[verdict])}
        </li>
      ))}
    </ul>
  );
}

// The sentences that are not supported, with what the check found.
export function Problems({ claims, text }: { claims: Claim[]; text: string }) {
  const words = useWords();
  const bad = claims.filter(({ verdict }) => verdict === 'partly' || verdict === 'unsupported');
  if (bad.every(({ problems }) => problems.length === 0)) return null;
  return (
    <details class="problems">
      <summary>{words.problemsTitle}</summary>
      <ul>
        {bad.map(({ start, end, verdict, problems }) => (
          <li key={start}>
            <q>
              {text
                .slice(start, end)
                .replace(/\s*\[\d+\]/g, '')
                .replace(/[*_`#]+/g, '')
                .trim()}
            </q>
            <span class={`tag ${verdict}`}>{words.verdicts[verdict]}</span>
            {problems.length > 0 && <p class="quiet">{problems.join('; ')}</p>}
          </li>
        ))}
      </ul>
    </details>
  );
}

export function ReceiptView({ receipt }: { receipt: Receipt }) {
  const words = useWords();
  const names = words.receipt;
  const ms = (value: number) =>
    value < 1000 ? `${Math.max(1, Math.round(value))} ms` : words.seconds(value / 1000);
  return (
    <details class="receipt">
      <summary>
        {[words.modes[receipt.mode], receipt.model, ms(receipt.total_ms)]
          .filter(Boolean)
          .join(' · ')}
      </summary>
      <dl>
        <dt>{names.mode}</dt>
        <dd>{words.modes[receipt.mode]}</dd>
        {receipt.model && <dt>{names.model}</dt>}
        {receipt.model && <dd>{receipt.model}</dd>}
        <dt>{names.time}</dt>
        <dd>{ms(receipt.total_ms)}</dd>
        {receipt.completion_tokens > 0 && <dt>{names.tokens}</dt>}
        {receipt.completion_tokens > 0 && (
          <dd>
            {receipt.prompt_tokens}, {receipt.completion_tokens}
          </dd>
        )}
        <dt>{names.generation}</dt>
        <dd>{receipt.generation}</dd>
        <dt>{names.stages}</dt>
        <dd>{receipt.stages.map((stage) => `${stage.name} ${ms(stage.ms)}`).join(', ')}</dd>
      </dl>
    </details>
  );
}

export function FailureView(props: {
  failure: Failure;
  retry: () => void;
  saveKey: (key: string) => void;
}) {
  const { failure, retry } = props;
  const words = useWords();
  const [key, setKey] = useState('');
  const [since] = useState(Date.now);
  const now = useClock(failure.retryAfter !== undefined, 500);
  const wait = Math.ceil((failure.retryAfter ?? 0) - (now - since) / 1000);
  return (
    <section class="notice bad" role="alert">
      <p>
        <strong>{words.failures[failure.kind]}</strong>
        {failure.message && <span class="detail">{failure.message}</span>}
      </p>
      {failure.kind === 'key' ? (
        <form
          class="key"
          onSubmit={(event) => {
            event.preventDefault();
            if (key.trim()) props.saveKey(key.trim());
          }}
        >
          <label>
            {words.keyLabel}
            <input
              type="password"
              name="key"
              autocomplete="off"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          </label>
          <button type="submit">{words.keySave}</button>
          <small>{words.keyNote}</small>
        </form>
      ) : (
        <button type="button" onClick={retry} disabled={wait > 0}>
          {wait > 0 ? words.retryIn(wait) : words.retry}
        </button>
      )}
    </section>
  );
}

export function Sources(props: {
  hits: Hit[];
  cited: Set<number>;
  settled: boolean; // nothing more will be cited
  open: (source: Source) => void;
}) {
  const words = useWords();
  const { hits, cited, settled } = props;
  return (
    <aside class="sources" aria-labelledby="sources-title">
      <h2 id="sources-title">{words.sources}</h2>
      {hits.length === 0 && <p class="quiet">{words.noSources}</p>}
      <ol>
        {hits.map((hit, i) => (
          <li
            key={`${hit.document_id} ${hit.start}`}
            class={settled && !cited.has(i + 1) ? 'uncited' : ''}
          >
            <button
              type="button"
              title={words.openSource}
              onClick={() => props.open({ number: i + 1, hit, citation: null })}
            >
              <span class="number">{i + 1}</span>
              <span class="title">{hit.title || hit.document_id}</span>
              <span class="path">{hit.document_id}</span>
              <span class="snippet">{snippet(hit.text)}</span>
            </button>
          </li>
        ))}
      </ol>
    </aside>
  );
}

// The first words of a passage without the marks of its headings and tables.
export function snippet(text: string): string {
  const body = text
    .replace(/^(?:#{1,6} [^\n]*\n+)+/, '')
    .replace(/^[\s|:-]+$/gm, '')
    .replace(/[ \t]*\|[ \t]*/g, ' · ')
    .replace(/^ · | · $/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  return (body || text.replace(/^#+ /, '')).slice(0, 220);
}

export function claimsIn(reply: Reply): Claim[] {
  return claimsOf(reply.text, reply.citations, reply.sentences);
}
