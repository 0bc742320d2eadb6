// Start: the page before anything is asked.
import { useEffect, useState } from 'preact/hooks';

import * as api from './api';
import type { Mode } from './events';
import { Clock } from './icons';
import type { Asked } from './store';
import { useWords } from './words';

export function Start(props: {
  box: preact.JSX.Element;
  history: Asked[];
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
