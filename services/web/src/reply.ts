// Reply: what the events of one question add up to. Pure; times are passed in.
import type { AskEvent, Citation, Hit, PartState, Receipt, Rung, Sentence } from './events';

export type Stage = 'asking' | 'queued' | 'searching' | 'thinking' | 'writing';
export type End = '' | 'finished' | 'stopped' | 'failed';

export interface Failure {
  kind: 'offline' | 'key' | 'limit' | 'busy' | 'cut' | 'other';
  message: string;
  retryAfter?: number; // seconds
}

export interface Reply {
  stage: Stage;
  end: End;
  place: number;
  eta: number; // milliseconds, told at `toldAt`
  toldAt: number;
  rung: Rung | '';
  requestId: string; // names the running call
  parts: { question: string; state: PartState }[]; // of a question that asks several things
  hits: Hit[] | null;
  rewritten: string; // what was searched for, where the question does not stand alone
  thought: string;
  thinkingSince: number;
  thinkingUntil: number; // 0: still
  text: string;
  citations: Citation[];
  sentences: Sentence[];
  followUps: string[];
  reason: string;
  receipt: Receipt | null;
  failure: Failure | null;
}

export const kNoReply: Reply = {
  stage: 'asking',
  end: '',
  place: 0,
  eta: 0,
  toldAt: 0,
  rung: '',
  requestId: '',
  parts: [],
  hits: null,
  rewritten: '',
  thought: '',
  thinkingSince: 0,
  thinkingUntil: 0,
  text: '',
  citations: [],
  sentences: [],
  followUps: [],
  reason: '',
  receipt: null,
  failure: null,
};

export function take(reply: Reply, event: AskEvent, now: number): Reply {
  if (reply.end !== '') return reply;
  switch (event.event) {
    case 'queued':
      return {
        ...reply,
        stage: event.place > 0 ? 'queued' : 'searching',
        place: event.place,
        eta: event.eta_ms,
        toldAt: now,
        rung: event.rung ?? '',
        requestId: event.request_id ?? '',
      };
    case 'part': {
      const parts = [...reply.parts];
      parts[event.part - 1] = { question: event.question, state: event.state };
      return { ...reply, stage: 'searching', parts };
    }
    case 'searched':
      return {
        ...reply,
        stage: 'searching',
        hits: event.hits,
        rewritten: event.rewritten_question ?? '',
      };
    case 'thought':
      return {
        ...reply,
        stage: 'thinking',
        thought: reply.thought + event.text,
        thinkingSince: reply.thinkingSince || now,
        thinkingUntil: 0,
      };
    case 'answer':
      return { ...thoughtOver(reply, now), stage: 'writing', text: reply.text + event.text };
    case 'citation':
      return { ...reply, citations: [...reply.citations, event] };
    case 'checked':
      return { ...reply, sentences: [...reply.sentences, event] };
    case 'follow_ups':
      return { ...reply, followUps: event.questions };
    case 'finished':
      return {
        ...thoughtOver(reply, now),
        end: 'finished',
        text: event.answer,
        citations: event.citations,
        sentences: event.sentences ?? reply.sentences,
        reason: event.reason,
        receipt: event.receipt,
      };
    case 'error':
      return fail(
        reply,
        { kind: failureKind(event.error.code), message: event.error.message },
        now,
      );
    default:
      return reply; // of a newer server
  }
}

export function stop(reply: Reply, now: number): Reply {
  return reply.end ? reply : { ...thoughtOver(reply, now), end: 'stopped' };
}

export function fail(reply: Reply, failure: Failure, now: number): Reply {
  return reply.end ? reply : { ...thoughtOver(reply, now), end: 'failed', failure };
}

function failureKind(code: string): Failure['kind'] {
  return code === 'resource_exhausted' || code === 'unavailable' ? 'busy' : 'other';
}

function thoughtOver(reply: Reply, now: number): Reply {
  if (!reply.thinkingSince || reply.thinkingUntil) return reply;
  return { ...reply, thinkingUntil: now };
}
