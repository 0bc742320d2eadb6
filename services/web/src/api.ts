// Api: calls of /api/v1. Failures are thrown as `Failed`; an aborted call throws what fetch throws.
import type { AskEvent, Mode, StoredDocument, Suggestion, Turn } from './events';
import type { Failure } from './reply';
import { SseParser } from './sse';
import * as store from './store';

export class Failed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

async function call(path: string, init: RequestInit): Promise<Response> {
  const headers: Record<string, string> = { ...(init.headers as Record<string, string>) };
  const key = store.key.get();
  if (key) headers.Authorization = `Bearer ${key}`;
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Failed({ kind: 'offline', message: '' });
  }
  if (response.ok) return response;
  let message = `HTTP ${response.status}`;
  try {
    const body: unknown = await response.json();
    const told = (body as { error?: { message?: unknown } } | null)?.error?.message;
    if (typeof told === 'string') message = told;
  } catch {
    // Not our server's words.
  }
  const after = Number(response.headers.get('retry-after') ?? NaN);
  const kind =
    response.status === 401
      ? 'key'
      : response.status === 429
        ? 'limit'
        : response.status === 503
          ? 'busy'
          : 'other';
  throw new Failed({ kind, message, ...(after > 0 ? { retryAfter: after } : {}) });
}

// Calls `take` with each event; returns when the stream ends.
export async function ask(
  question: string,
  mode: Mode,
  history: Turn[],
  anew: boolean, // even if the answer is known
  signal: AbortSignal,
  take: (event: AskEvent) => void,
): Promise<void> {
  const response = await call('/api/v1/ask', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ question, mode, history, follow_ups: true, no_cache: anew }),
    signal,
  });
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  for (let whole = false; ;) {
    let piece: ReadableStreamReadResult<Uint8Array>;
    try {
      piece = await reader.read();
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Failed({ kind: 'cut', message: '' });
    }
    if (piece.done) {
      if (whole) return;
      throw new Failed({ kind: 'cut', message: '' });
    }
    for (const { data } of parser.feed(decoder.decode(piece.value, { stream: true }))) {
      const event = JSON.parse(data) as AskEvent;
      whole ||= event.event === 'finished' || event.event === 'error';
      take(event);
    }
  }
}

// The thought of the running call ends, and its answer follows.
export async function answerNow(requestId: string): Promise<void> {
  await call(`/api/v1/answer_now/${encodeURIComponent(requestId)}`, { method: 'POST' });
}

export async function suggest(text: string, signal: AbortSignal): Promise<Suggestion[]> {
  const response = await call(`/api/v1/suggest?q=${encodeURIComponent(text)}`, { signal });
  return ((await response.json()) as { suggestions: Suggestion[] }).suggestions;
}

// The named version, or, where it is gone, the one there is now.
export async function getDocument(
  id: string,
  collection: string,
  version: number,
  signal: AbortSignal,
): Promise<StoredDocument> {
  const path = `/api/v1/documents/${id.split('/').map(encodeURIComponent).join('/')}`;
  const where = collection ? `collection=${encodeURIComponent(collection)}` : '';
  const get = async (query: string) =>
    (await (await call(query ? `${path}?${query}` : path, { signal })).json()) as StoredDocument;
  if (!version) return get(where);
  try {
    return await get([where, `version=${version}`].filter(Boolean).join('&'));
  } catch (error) {
    if (error instanceof Failed && error.failure.kind === 'other') return get(where);
    throw error;
  }
}

export async function stats(): Promise<{ documents: number; passages: number }> {
  return (await call('/api/v1/stats', {})).json() as Promise<{
    documents: number;
    passages: number;
  }>;
}
