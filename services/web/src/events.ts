// The shapes of /api/v1, as docs/http.md has them.

export type Mode = 'auto' | 'quick' | 'deep' | 'extract';
export const kModes: readonly Mode[] = ['auto', 'quick', 'deep', 'extract'];
export type Rung = 'full' | 'short' | 'quick' | 'extract' | 'results';
export type Verdict = 'supported' | 'partly' | 'unsupported' | 'unchecked';

export interface Hit {
  rank: number;
  document_id: string;
  collection: string;
  version: number;
  title: string;
  uri: string;
  start: number;
  end: number;
  text: string;
}

export interface Citation {
  marker: number;
  document_id: string;
  collection: string;
  version: number;
  title: string;
  uri: string;
  start: number;
  end: number;
  quote: string;
  verdict: Verdict;
  answer_start: number;
  answer_end: number;
}

export interface Sentence {
  start: number;
  end: number;
  verdict: Verdict;
  problems?: string[];
}

export interface Receipt {
  asked_mode: Mode;
  mode: Mode;
  rung?: Rung;
  degraded: string;
  generation: number;
  model: string;
  prompt_tokens: number;
  completion_tokens: number;
  stages: { name: string; ms: number }[];
  total_ms: number;
}

export type PartState = 'searching' | 'searching_again' | 'evidence' | 'none';

export type AskEvent =
  | { event: 'queued'; place: number; eta_ms: number; rung?: Rung; request_id?: string }
  | { event: 'part'; part: number; parts: number; question: string; state: PartState }
  | { event: 'searched'; hits: Hit[]; generation: number; rewritten_question?: string }
  | { event: 'thought'; text: string }
  | { event: 'answer'; text: string }
  | ({ event: 'citation' } & Citation)
  | ({ event: 'checked' } & Sentence)
  | { event: 'follow_ups'; questions: string[] }
  | {
      event: 'finished';
      reason: string;
      answer: string;
      citations: Citation[];
      sentences?: Sentence[];
      receipt: Receipt;
    }
  | { event: 'error'; error: { code: string; message: string } };

// What was said before a question, as the server wants to know it.
export interface Turn {
  question: string;
  answer: string;
}

export interface StoredDocument {
  id: string;
  collection: string;
  version: number;
  title: string;
  uri: string;
  text: string;
}

export interface Suggestion {
  kind: 'query' | 'document';
  text: string;
  document_id?: string;
  collection?: string;
}
