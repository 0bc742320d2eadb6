// App: the page as a whole; its address (#q=...&mode=...) says what is asked, and the browser keeps
// beside it what was said before.
import { useCallback, useEffect, useLayoutEffect, useState } from 'preact/hooks';

import { Asked } from './asked';
import { pastOf, useAsking } from './asking';
import { Box } from './box';
import { kModes, type Mode, type Suggestion, type Turn } from './events';
import { History } from './history';
import { Clock, HalfMoon, Logo, Moon, Sun } from './icons';
import type { Source } from './prose';
import { Start } from './start';
import * as store from './store';
import { Viewer, type Place } from './viewer';
import { WordsProvider, wordsOf } from './words';

const kThemes: readonly store.Theme[] = ['system', 'light', 'dark'];

interface Address {
  question: string;
  mode: Mode;
  past: Turn[];
}

function readAddress(): Address {
  const fields = new URLSearchParams(location.hash.slice(1));
  return {
    question: (fields.get('q') ?? '').trim(),
    mode: kModes.find((m) => m === fields.get('mode')) ?? store.mode.get(),
    past: (window.history.state as { past?: Turn[] } | null)?.past ?? [],
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
  useLayoutEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      const seen = theme === 'system' ? (system.matches ? 'dark' : 'light') : theme;
      document.documentElement.dataset.theme = seen;
    };
    apply();
    system.addEventListener('change', apply);
    return () => system.removeEventListener('change', apply);
  }, [theme]);
  useEffect(() => {
    document.title = asking ? `${asking.question} · CiteSeek` : 'CiteSeek';
  }, [asking?.question]);
  useEffect(() => store.history.set(history), [history]);

  const begin = useCallback((question: string, how: Mode, past: Turn[], anew = false) => {
    setDraft(past.length > 0 ? '' : question);
    setPanel(false);
    setPlace(null);
    if (past.length === 0) {
      setHistory((kept) => store.remember(kept, { question, mode: how, at: Date.now() }));
    }
    start(question, how, past, anew);
    scrollTo(0, 0);
  }, []);

  useEffect(() => {
    const follow = () => {
      const address = readAddress();
      if (address.question) {
        setMode(address.mode);
        begin(address.question, address.mode, address.past);
      } else {
        setDraft('');
        leave();
      }
    };
    if (readAddress().question) follow();
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);

  const ask = (question: string, how: Mode = mode, past: Turn[] = []) => {
    const hash = `#${new URLSearchParams({ q: question, mode: how })}`;
    if (hash !== location.hash || past.length > 0) window.history.pushState({ past }, '', hash);
    begin(question, how, past);
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
            <button
              type="button"
              class="icon"
              aria-label={words.history}
              title={words.history}
              onClick={() => setPanel(true)}
            >
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
                follow={(question) => ask(question, asking.mode, pastOf(asking))}
                retry={() => begin(asking.question, asking.mode, asking.past, true)}
                saveKey={(key) => {
                  store.key.set(key);
                  setHasKey(true);
                  begin(asking.question, asking.mode, asking.past);
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
