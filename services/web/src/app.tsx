// App: the page as a whole; its address (#q=...&mode=...) says what is asked.
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { FailureView, Problems, Prose, ReceiptView, Sources, Status, Thought, Verdicts, claimsIn } from './answer';
import * as api from './api';
import { useAsking, type Asking } from './asking';
import { Box } from './box';
import { kModes, type Mode, type Suggestion } from './events';
import { History } from './history';
import { Clock, HalfMoon, Logo, Moon, Sun } from './icons';
import { Peek } from './peek';
import type { Reading, Source } from './prose';
import * as store from './store';
import { Viewer, type Place } from './viewer';
import { WordsProvider, useWords, wordsOf } from './words';

const kThemes: readonly store.Theme[] = ['system', 'light', 'dark'];
const kPeekDelay = 140; // milliseconds

interface Address {
  question: string;
  mode: Mode;
}

function readAddress(): Address {
  const fields = new URLSearchParams(location.hash.slice(1));
  return {
    question: (fields.get('q') ?? '').trim(),
    mode: kModes.find((m) => m === fields.get('mode')) ?? store.mode.get(),
  };
}

export function App() {
  const [language, setLanguage] = useState(store.language.get);
  const [theme, setTheme] = useState(store.theme.get);
  const [mode, setMode] = useState<Mode>(store.mode.get);
  const [history, setHistory] = useState(store.history.get);
  const [hasKey, setHasKey] = useState(() => store.key.get() !== '');
  const [draft, setDraft] = useState('');
  const [panel, setPanel] = useState(false);
  const [place, setPlace] = useState<Place | null>(null);
  const { asking, start, stop, leave } = useAsking();
  const words = wordsOf(language);
  const running = asking !== null && (asking.main.end === '' || asking.extract?.end === '');

  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  }, [language]);
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    document.title = asking ? `${asking.question} · CiteSeek` : 'CiteSeek';
  }, [asking?.question]);
  useEffect(() => store.history.set(history), [history]);

  const begin = useCallback((question: string, how: Mode) => {
    setDraft(question);
    setPanel(false);
    setPlace(null);
    setHistory((kept) => store.remember(kept, { question, mode: how, at: Date.now() }));
    start(question, how);
    scrollTo(0, 0);
  }, []);

  useEffect(() => {
    const follow = () => {
      const address = readAddress();
      if (address.question) {
        setMode(address.mode);
        begin(address.question, address.mode);
      } else {
        setDraft('');
        leave();
      }
    };
    if (readAddress().question) follow();
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);

  const ask = (question: string, how: Mode = mode) => {
    const hash = `#${new URLSearchParams({ q: question, mode: how })}`;
    if (hash !== location.hash) window.history.pushState(null, '', hash);
    begin(question, how);
  };
  const chooseMode = (how: Mode) => {
    setMode(how);
    store.mode.set(how);
  };
  const home = () => {
    window.history.pushState(null, '', location.pathname);
    setDraft('');
    leave();
  };

  useEffect(() => {
    const escape = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.isComposing && !document.querySelector('dialog')) stop();
    };
    addEventListener('keydown', escape);
    return () => removeEventListener('keydown', escape);
  }, [stop]);

  const openSource = useCallback((source: Source) => {
    const { citation, hit } = source;
    const at = citation ?? hit;
    if (!at) return;
    setPlace({
      document_id: at.document_id,
      collection: at.collection,
      version: at.version,
      title: at.title,
      start: at.start,
      end: at.end,
      quote: citation ? citation.quote : (hit?.text ?? ''),
      number: source.number,
      ...(citation ? { verdict: citation.verdict } : {}),
    });
  }, []);
  const openDocument = useCallback((suggestion: Suggestion) => {
    setPlace({
      document_id: suggestion.document_id ?? '',
      collection: suggestion.collection ?? '',
      version: 0,
      title: suggestion.text,
      start: 0,
      end: 0,
      quote: '',
    });
  }, []);
  const closeSource = useCallback(() => setPlace(null), []);

  const box = (
    <Box
      draft={draft}
      setDraft={setDraft}
      mode={mode}
      setMode={chooseMode}
      running={running}
      history={history}
      ask={ask}
      stop={stop}
      openDocument={openDocument}
      focusOnStart={asking === null}
    />
  );
  return (
    <WordsProvider value={words}>
      <div class={asking ? 'page asked-page' : 'page start-page'}>
        <header class="top">
          <a
            class="brand"
            href="./"
            aria-label={words.home}
            onClick={(event) => {
              event.preventDefault();
              home();
            }}
          >
            <Logo />
            <span>CiteSeek</span>
          </a>
          <nav>
            <button type="button" class="icon" aria-label={words.history} title={words.history} onClick={() => setPanel(true)}>
              <Clock />
            </button>
            <button
              type="button"
              class="icon"
              aria-label={words.theme[theme]}
              title={words.theme[theme]}
              onClick={() => {
                const next = kThemes[(kThemes.indexOf(theme) + 1) % kThemes.length] ?? 'system';
                setTheme(next);
                store.theme.set(next);
              }}
            >
              {theme === 'light' ? <Sun /> : theme === 'dark' ? <Moon /> : <HalfMoon />}
            </button>
            <button
              type="button"
              class="icon language"
              title={words.toOtherLanguage}
              lang={language === 'zh' ? 'en' : 'zh-CN'}
              onClick={() => {
                const next = language === 'zh' ? 'en' : 'zh';
                setLanguage(next);
                store.language.set(next);
              }}
            >
              {words.otherLanguage}
            </button>
          </nav>
        </header>
        <main>
          {asking ? (
            <>
              {box}
              <Asked
                asking={asking}
                open={openSource}
                retry={() => begin(asking.question, asking.mode)}
                saveKey={(key) => {
                  store.key.set(key);
                  setHasKey(true);
                  begin(asking.question, asking.mode);
                }}
              />
            </>
          ) : (
            <Start box={box} history={history} ask={ask} />
          )}
        </main>
      </div>
      {place && <Viewer place={place} close={closeSource} />}
      {panel && (
        <History
          history={history}
          language={language}
          hasKey={hasKey}
          ask={(asked) => {
            chooseMode(asked.mode);
            ask(asked.question, asked.mode);
          }}
          forget={(asked) => setHistory(history.filter((a) => a !== asked))}
          forgetAll={() => setHistory([])}
          forgetKey={() => {
            store.key.set('');
            setHasKey(false);
          }}
          close={() => setPanel(false)}
        />
      )}
    </WordsProvider>
  );
}

function Start(props: {
  box: preact.JSX.Element;
  history: store.Asked[];
  ask: (question: string, mode?: Mode) => void;
}) {
  const words = useWords();
  const [documents, setDocuments] = useState(0);
  useEffect(() => {
    api.stats().then(
      (stats) => setDocuments(stats.documents),
      () => {}, // the page is no worse for not knowing
    );
  }, []);
  return (
    <div class="start">
      <h1>CiteSeek</h1>
      <p class="tagline">{words.tagline}</p>
      {props.box}
      {props.history.length > 0 && (
        <section class="recent" aria-labelledby="recent-title">
          <h2 id="recent-title">{words.recent}</h2>
          <ul>
            {props.history.slice(0, 4).map((asked) => (
              <li key={asked.question}>
                <button type="button" onClick={() => props.ask(asked.question, asked.mode)}>
                  <Clock />
                  <span>{asked.question}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <p class="foot">
        {documents > 0 && <span>{words.holds(documents)}</span>}
        <span class="keys">
          <kbd>/</kbd> {words.hint.focus} <kbd>Enter</kbd> {words.hint.ask} <kbd>Esc</kbd>{' '}
          {words.hint.stop}
        </span>
      </p>
    </div>
  );
}

function Asked(props: {
  asking: Asking;
  open: Reading['open'];
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
    (main.end === '' && main.stage !== 'queued' && (main.rung === 'extract' || main.rung === 'results'));
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
    if (extract?.text && performance.getEntriesByName('extract').length === 0) performance.mark('extract');
  }, [extract?.text]);

  const { receipt, reason } = main;
  const title =
    reason === 'no_evidence' || !quotes
      ? words.answerTitle
      : (receipt?.rung ?? main.rung) === 'results'
        ? words.resultsTitle
        : words.extractTitle;
  return (
    <div class="asked">
      <article aria-labelledby="question">
        <h1 id="question" class={asking.question.length > 120 ? 'long' : ''}>
          {asking.question}
        </h1>
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
        {main.failure && <FailureView failure={main.failure} retry={props.retry} saveKey={props.saveKey} />}
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
