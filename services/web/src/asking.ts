// Asking: runs a question, in the mode asked for and as an extract beside it, which is there at
// once. Stopping closes the streams; the server then frees what the question held.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import * as api from './api';
import type { Mode, Turn } from './events';
import { fail, kNoReply, stop as stopped, take, type Reply } from './reply';

export interface Asking {
  question: string;
  mode: Mode;
  past: Turn[]; // of the conversation, the first one first
  main: Reply;
  extract: Reply | null; // null in extract mode, where it is the main one
}

const kMaxPast = 8;
const kMaxPastText = 24_000;

// The conversation with this question in it, for the next one; its end, if it is long.
export function pastOf(asking: Asking): Turn[] {
  const answer = asking.main.text.replace(/\s*\[\d+\]/g, ''); // its markers are this answer's own
  const past = [...asking.past, { question: asking.question, answer }].slice(-kMaxPast);
  while (past.length > 1 && JSON.stringify(past).length > kMaxPastText) past.shift();
  return past;
}

export function useAsking() {
  const [asking, setAsking] = useState<Asking | null>(null);
  const abort = useRef<AbortController | null>(null);

  const stop = useCallback(() => {
    abort.current?.abort();
    abort.current = null;
    const now = Date.now();
    setAsking(
      (a) =>
        a && { ...a, main: stopped(a.main, now), extract: a.extract && stopped(a.extract, now) },
    );
  }, []);

  const start = useCallback((question: string, mode: Mode, past: Turn[], anew = false) => {
    abort.current?.abort();
    const control = new AbortController();
    abort.current = control;
    const beside = mode !== 'extract';
    performance.clearMarks();
    performance.mark('asked');
    setAsking({ question, mode, past, main: kNoReply, extract: beside ? kNoReply : null });

    const run = (which: 'main' | 'extract', how: Mode) => {
      const change = (by: (reply: Reply) => Reply) => {
        if (control.signal.aborted) return;
        setAsking((a) => {
          const reply = a?.[which];
          return a && reply ? { ...a, [which]: by(reply) } : a;
        });
      };
      api
        .ask(question, how, past, anew, control.signal, (event) => change((r) => take(r, event, Date.now())))
        .catch((error: unknown) => {
          if (error instanceof api.Failed) {
            const { failure } = error;
            change((r) => fail(r, failure, Date.now()));
          } else if (!control.signal.aborted) {
            change((r) => fail(r, { kind: 'other', message: String(error) }, Date.now()));
          }
        });
    };
    if (beside) run('extract', 'extract');
    run('main', mode);
  }, []);

  const leave = useCallback(() => {
    abort.current?.abort();
    abort.current = null;
    setAsking(null);
  }, []);

  useEffect(() => () => abort.current?.abort(), []);
  return { asking, start, stop, leave };
}
