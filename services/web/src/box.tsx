// Box: the field that questions are typed into, with its suggestions and the modes.
import { useEffect, useRef, useState } from 'preact/hooks';

import * as api from './api';
import { kModes, type Mode, type Suggestion } from './events';
import { Arrow, Clock, Close, Page, Search, Square } from './icons';
import type { Asked } from './store';
import { useWords } from './words';

const kDebounce = 120; // milliseconds
const kMaxSuggestions = 7;

export type Offer = Suggestion | { kind: 'history'; text: string };

// What was asked before and begins with, or has a word that begins with, what is typed.
export function fromHistory(history: Asked[], text: string): Offer[] {
  const typed = text.trim().toLowerCase();
  return history
    .filter(({ question }) => {
      const asked = question.toLowerCase();
      if (typed === '') return true;
      return asked !== typed && (asked.startsWith(typed) || asked.includes(` ${typed}`));
    })
    .slice(0, 3)
    .map(({ question }) => ({ kind: 'history', text: question }));
}

interface Props {
  draft: string;
  setDraft: (text: string) => void;
  mode: Mode;
  setMode: (mode: Mode) => void;
  running: boolean;
  history: Asked[];
  ask: (question: string) => void;
  stop: () => void;
  openDocument: (suggestion: Suggestion) => void;
  focusOnStart: boolean;
}

export function Box(props: Props) {
  const { draft, setDraft, mode, running, history } = props;
  const words = useWords();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(false); // since the last question
  const [found, setFound] = useState<Suggestion[]>([]);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);

  useEffect(() => {
    if (props.focusOnStart) input.current?.focus();
    const slash = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = event.target as HTMLElement;
      if (at.closest('input, textarea, dialog')) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    addEventListener('keydown', slash);
    return () => removeEventListener('keydown', slash);
  }, []);

  useEffect(() => {
    const text = draft.trim();
    if (!typed || text.length < 2) {
      setFound([]);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setFound(await api.suggest(text, abort.signal));
      } catch {
        if (!abort.signal.aborted) setFound([]); // asking goes without
      }
    }, kDebounce);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [draft, typed]);

  const offers: Offer[] = typed
    ? [
        ...fromHistory(history, draft),
        ...found.filter((s) => s.text.toLowerCase() !== draft.trim().toLowerCase()),
      ].slice(0, kMaxSuggestions)
    : [];
  const shown = open && offers.length > 0;

  const close = () => {
    setOpen(false);
    setChosen(-1);
  };
  const ask = (question: string) => {
    if (question.trim() === '') return;
    close();
    setTyped(false);
    setDraft(question);
    props.ask(question.trim());
  };
  const take = (offer: Offer) => {
    if (offer.kind === 'document') {
      close();
      props.openDocument(offer);
    } else {
      ask(offer.text);
    }
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (offers.length === 0) return;
      event.preventDefault();
      setOpen(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      const places = offers.length + 1; // one of them: the field itself
      setChosen(
        shown ? ((chosen + 1 + step + places) % places) - 1 : step > 0 ? 0 : offers.length - 1,
      );
    } else if (event.key === 'Escape') {
      if (shown) {
        event.stopPropagation();
        close();
      } else if (!running) {
        input.current?.blur();
      }
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const offer = shown ? offers[chosen] : undefined;
      if (offer) take(offer);
      else ask(draft);
    }
  };

  return (
    <form
      class="box"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        ask(draft);
      }}
    >
      <div class={`field${shown ? ' open' : ''}`}>
        <span class="glass">
          <Search />
        </span>
        <input
          ref={input}
          type="text"
          name="q"
          value={draft}
          placeholder={words.placeholder}
          aria-label={words.placeholder}
          role="combobox"
          aria-expanded={shown}
          aria-controls="suggestions"
          aria-autocomplete="list"
          aria-activedescendant={shown && chosen >= 0 ? `suggestion-${chosen}` : undefined}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="search"
          maxLength={8000}
          onInput={(event) => {
            setDraft(event.currentTarget.value);
            setTyped(true);
            setOpen(true);
            setChosen(-1);
          }}
          onKeyDown={onKey}
          onBlur={() => setTimeout(close, 100)}
        />
        {draft && (
          <button
            type="button"
            class="icon"
            aria-label={words.clear}
            onClick={() => {
              setDraft('');
              setTyped(true);
              input.current?.focus();
            }}
          >
            <Close />
          </button>
        )}
        {running ? (
          <button
            key="stop"
            type="button"
            class="send stop"
            onClick={props.stop}
            aria-label={words.stop}
          >
            <Square />
          </button>
        ) : (
          // With a key of its own: a stop button that became this one while it is clicked would ask.
          <button
            key="send"
            type="submit"
            class="send"
            aria-label={words.ask}
            disabled={draft.trim() === ''}
          >
            <Arrow />
          </button>
        )}
        <ul id="suggestions" role="listbox" aria-label={words.suggestions} hidden={!shown}>
          {offers.map((offer, i) => (
            <li
              key={`${offer.kind} ${offer.text}`}
              id={`suggestion-${i}`}
              role="option"
              aria-selected={i === chosen}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => take(offer)}
            >
              {offer.kind === 'history' ? (
                <Clock />
              ) : offer.kind === 'document' ? (
                <Page />
              ) : (
                <Search />
              )}
              <span>{offer.text}</span>
              {offer.kind === 'document' && <small>{words.openDocument}</small>}
            </li>
          ))}
        </ul>
      </div>
      <div class="modes" role="radiogroup" aria-label={words.mode}>
        {kModes.map((m) => (
          <label key={m} class={m === mode ? 'on' : ''} title={words.modeHints[m]}>
            <input
              type="radio"
              name="mode"
              value={m}
              checked={m === mode}
              onChange={() => props.setMode(m)}
            />
            {words.modes[m]}
          </label>
        ))}
        <span class="hint">{words.modeHints[mode]}</span>
      </div>
    </form>
  );
}
