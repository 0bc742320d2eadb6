// Asked: the page of one question: quotes, thought, answer, sources.
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';

import {
  claimsIn,
  FailureView,
  Problems,
  Prose,
  ReceiptView,
  Sources,
  Status,
  Thought,
  Verdicts,
} from './answer';
import type { Asking } from './asking';
import { Arrow } from './icons';
import { Peek } from './peek';
import type { Reading, Source } from './prose';
import { useWords } from './words';

const kPeekDelay = 140; // milliseconds

export function Asked(props: {
  asking: Asking;
  open: Reading['open'];
  follow: (question: string) => void;
  retry: () => void;
  saveKey: (key: string) => void;
}) {
  const { asking, open } = props;
  const { main, extract } = asking;
  const words = useWords();
  const [peeked, setPeeked] = useState<{ source: Source; marker: HTMLElement } | null>(null);
  const timer = useRef(0);
  const peek = useCallback((source: Source | null, marker: HTMLElement | null) => {
    clearTimeout(timer.current);
    const next = source && marker ? { source, marker } : null;
    timer.current = setTimeout(() => setPeeked(next), kPeekDelay);
  }, []);
  const openAndClose = useCallback(
    (source: Source) => {
      clearTimeout(timer.current);
      setPeeked(null);
      open(source);
    },
    [open],
  );
  useEffect(() => {
    if (!peeked) return;
    const hide = (event: Event) => {
      if (event instanceof KeyboardEvent) {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
      }
      setPeeked(null);
    };
    addEventListener('keydown', hide, true);
    addEventListener('scroll', hide);
    return () => {
      removeEventListener('keydown', hide, true);
      removeEventListener('scroll', hide);
    };
  }, [peeked]);
  useEffect(() => setPeeked(null), [asking.question]);

  // Where the answer itself is taken from the documents, it takes the extract's place.
  const quotes =
    extract === null ||
    main.receipt?.mode === 'extract' ||
    (main.end === '' &&
      main.stage !== 'queued' &&
      (main.rung === 'extract' || main.rung === 'results'));
  const beside = quotes ? null : extract;
  const hits = main.hits ?? extract?.hits ?? null;
  const cited = useMemo(() => {
    const numbers = new Set<number>();
    for (const { marker } of main.citations) numbers.add(marker);
    for (const { marker } of beside?.citations ?? []) numbers.add(marker);
    return numbers;
  }, [main.citations, beside?.citations]);
  const claims = useMemo(() => claimsIn(main), [main.text, main.citations, main.sentences]);
  useEffect(() => {
    if (extract?.text && performance.getEntriesByName('extract').length === 0)
      performance.mark('extract');
  }, [extract?.text]);

  const { receipt, reason } = main;
  const title =
    reason === 'no_evidence' || reason === 'overloaded' || !quotes
      ? words.answerTitle
      : (receipt?.rung ?? main.rung) === 'results'
        ? words.resultsTitle
        : words.extractTitle;
  return (
    <div class="asked">
      <article aria-labelledby="question">
        {asking.past.length > 0 && (
          <section class="past" aria-label={words.past}>
            {asking.past.map(({ question, answer }, i) => (
              <details key={i}>
                <summary>{question}</summary>
                <p>{answer.replace(/[*_`#]+/g, '')}</p>
              </details>
            ))}
          </section>
        )}
        <h1 id="question" class={asking.question.length > 120 ? 'long' : ''}>
          {asking.question}
        </h1>
        {main.parts.length > 0 && (
          <ol class="quiet parts" aria-label={words.parts}>
            {main.parts.map(({ question, state }, i) => (
              <li key={i} class={state}>
                {question} <span class="detail">{words.partStates[state]}</span>
              </li>
            ))}
          </ol>
        )}
        {main.rewritten !== '' && <p class="quiet rewritten">{words.searchedFor(main.rewritten)}</p>}
        {beside && beside.text !== '' && beside.reason !== 'no_evidence' && (
          <section class="extract" aria-labelledby="extract-title">
            <h2 id="extract-title">{words.extractTitle}</h2>
            <Prose reply={beside} hits={beside.hits ?? []} open={openAndClose} peek={peek} />
          </section>
        )}
        {main.thought !== '' && <Thought key={asking.question} reply={main} />}
        <Status reply={main} />
        {receipt && receipt.degraded !== '' && (
          <p class="notice">
            {reason === 'overloaded' ? words.overloaded : words.lowered[receipt.rung ?? 'full']}{' '}
            <span class="detail">{receipt.degraded}</span>
          </p>
        )}
        {main.text !== '' && (
          <section class={quotes ? 'answer quotes' : 'answer'} aria-labelledby="answer-title">
            <h2 id="answer-title">{title}</h2>
            <Prose reply={main} hits={main.hits ?? []} open={openAndClose} peek={peek} />
            {reason === 'length' && <p class="notice">{words.cut}</p>}
          </section>
        )}
        {main.end === 'stopped' && main.text === '' && <p class="quiet">{words.noText}</p>}
        {main.failure && (
          <FailureView failure={main.failure} retry={props.retry} saveKey={props.saveKey} />
        )}
        {main.end !== '' && main.end !== 'failed' && (
          <footer class="after">
            <Verdicts claims={claims} />
            <span class="actions">
              {main.text !== '' && <Copy text={main.text} />}
              <button type="button" onClick={props.retry}>
                {words.again}
              </button>
            </span>
            <Problems claims={claims} text={main.text} />
            {receipt && <ReceiptView receipt={receipt} />}
          </footer>
        )}
        {main.end === 'finished' && main.text !== '' && (
          <Further key={asking.question} offers={main.followUps} follow={props.follow} />
        )}
      </article>
      {hits && <Sources hits={hits} cited={cited} settled={main.end !== ''} open={openAndClose} />}
      {peeked && (
        <Peek
          source={peeked.source}
          marker={peeked.marker}
          open={openAndClose}
          hold={(held) => (held ? clearTimeout(timer.current) : peek(null, null))}
        />
      )}
    </div>
  );
}

// Questions that go on from the answer: those that the documents answer too, or one's own.
function Further(props: { offers: string[]; follow: (question: string) => void }) {
  const words = useWords();
  const [draft, setDraft] = useState('');
  return (
    <section class="further" aria-labelledby="further-title">
      <h2 id="further-title">{words.further}</h2>
      {props.offers.length > 0 && (
        <ul>
          {props.offers.map((offer) => (
            <li key={offer}>
              <button type="button" onClick={() => props.follow(offer)}>
                {offer}
              </button>
            </li>
          ))}
        </ul>
      )}
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault();
          if (draft.trim()) props.follow(draft.trim());
        }}
      >
        <input
          type="text"
          name="further"
          autocomplete="off"
          value={draft}
          placeholder={words.furtherHint}
          aria-label={words.furtherHint}
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
        <button type="submit" class="send" aria-label={words.askFurther} disabled={!draft.trim()}>
          <Arrow />
        </button>
      </form>
    </section>
  );
}

function Copy({ text }: { text: string }) {
  const words = useWords();
  const [copied, setCopied] = useState(false);
  if (!navigator.clipboard) return null; // not over plain HTTP from another machine
  return (
    <button
      type="button"
      onClick={() =>
        navigator.clipboard.writeText(text).then(
          () => {
            setCopied(true);
            setTimeout(() => setCopied(false), 1500);
          },
          () => {},
        )
      }
    >
      {copied ? words.copied : words.copy}
    </button>
  );
}
