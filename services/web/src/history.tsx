// History: the questions asked in this browser, to ask again or to delete.
import { useEffect, useRef } from 'preact/hooks';

import { Close } from './icons';
import type { Asked, Language } from './store';
import { useWords } from './words';

export function History(props: {
  history: Asked[];
  language: Language;
  hasKey: boolean;
  ask: (asked: Asked) => void;
  forget: (asked: Asked) => void;
  forgetAll: () => void;
  forgetKey: () => void;
  close: () => void;
}) {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const when = new Intl.DateTimeFormat(props.language === 'zh' ? 'zh-CN' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
  });
  return (
    <dialog
      ref={dialog}
      class="panel history"
      aria-labelledby="history-title"
      onClose={props.close}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
    >
      <header>
        <div>
          <h2 id="history-title">{words.history}</h2>
          <p class="where">{props.history.length > 0 ? words.historyNote : words.historyEmpty}</p>
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
      <ul class="asked">
        {props.history.map((asked) => (
          <li key={asked.question}>
            <button type="button" class="again" onClick={() => props.ask(asked)}>
              {asked.question}
              <small>
                {when.format(asked.at)} · {words.modes[asked.mode]}
              </small>
            </button>
            <button
              type="button"
              class="icon"
              aria-label={`${words.forget}: ${asked.question}`}
              onClick={() => props.forget(asked)}
            >
              <Close />
            </button>
          </li>
        ))}
      </ul>
      <footer>
        {props.history.length > 0 && (
          <button type="button" onClick={props.forgetAll}>
            {words.forgetAll}
          </button>
        )}
        {props.hasKey && (
          <button type="button" onClick={props.forgetKey}>
            {words.keyForget}
          </button>
        )}
      </footer>
    </dialog>
  );
}
