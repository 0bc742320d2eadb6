// Store: what the page keeps in this browser: settings, the key, the questions asked. A browser
// that keeps nothing is no error.
import type { Mode } from './events';
import { kModes } from './events';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'zh';

export interface Asked {
  question: string;
  mode: Mode;
  at: number; // milliseconds since 1970
}

const kMaxAsked = 200;

function get(name: string): string {
  try {
    return localStorage.getItem(`citeseek.${name}`) ?? '';
  } catch {
    return '';
  }
}

function set(name: string, value: string) {
  try {
    if (value) localStorage.setItem(`citeseek.${name}`, value);
    else localStorage.removeItem(`citeseek.${name}`);
  } catch {
    // Full, or forbidden: the page works without.
  }
}

export const key = { get: () => get('key'), set: (value: string) => set('key', value) };

export const mode = {
  get: (): Mode => kModes.find((m) => m === get('mode')) ?? 'auto',
  set: (value: Mode) => set('mode', value === 'auto' ? '' : value),
};

export const theme = {
  get: (): Theme => {
    const kept = get('theme');
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  },
  set: (value: Theme) => set('theme', value === 'system' ? '' : value),
};

export const language = {
  get: (): Language => {
    const kept = get('language');
    if (kept === 'en' || kept === 'zh') return kept;
    return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  },
  set: (value: Language) => set('language', value),
};

export function parseHistory(json: string): Asked[] {
  try {
    const kept: unknown = JSON.parse(json);
    if (!Array.isArray(kept)) return [];
    return kept.filter(
      (a): a is Asked =>
        typeof a?.question === 'string' && kModes.includes(a.mode) && typeof a.at === 'number',
    );
  } catch {
    return [];
  }
}

// Newest first, each question once.
export function remember(history: Asked[], asked: Asked): Asked[] {
  const others = history.filter((a) => a.question !== asked.question);
  return [asked, ...others].slice(0, kMaxAsked);
}

export const history = {
  get: () => parseHistory(get('history')),
  set: (asked: Asked[]) => set('history', asked.length > 0 ? JSON.stringify(asked) : ''),
};
