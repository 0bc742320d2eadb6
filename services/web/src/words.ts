// Words: the interface's texts, English and Chinese.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

import type { Language } from './store';

const en = {
  tagline: 'Answers from your own documents, every sentence with its proof.',
  holds: (documents: number) => `${documents.toLocaleString('en')} documents are searched.`,
  placeholder: 'Ask your documents',
  ask: 'Ask',
  stop: 'Stop',
  clear: 'Clear',
  suggestions: 'Suggestions',
  mode: 'How to answer',
  modes: { auto: 'Auto', quick: 'Quick', deep: 'Deep', extract: 'Extract' },
  modeHints: {
    auto: 'Thinks if a model is there, else quotes',
    quick: 'Writes at once, without thinking first',
    deep: 'Thinks first',
    extract: 'Only sentences of the documents',
  },
  home: 'CiteSeek, to the start',
  history: 'History',
  historyEmpty: 'Nothing asked yet. Questions stay in this browser.',
  historyNote: 'Kept in this browser only.',
  recent: 'Asked before',
  forget: 'Delete',
  forgetAll: 'Delete all',
  theme: { system: 'Colours: as the system', light: 'Colours: light', dark: 'Colours: dark' },
  otherLanguage: '中文',
  toOtherLanguage: '切换到中文',
  close: 'Close',
  searching: 'Searching',
  asking: 'Asking',
  queued: (place: number, seconds: number) =>
    `Place ${place} in line` +
    (seconds <= 0
      ? ''
      : seconds < 100
        ? `, about ${seconds} s`
        : `, about ${Math.round(seconds / 60)} min`),
  rungs: {
    full: '',
    short: 'many are asking: it will think only briefly',
    quick: 'many are asking: it will not think first',
    extract: 'many are asking: it will quote the documents',
    results: 'many are asking: it will show the passages found',
  },
  past: 'Earlier in this conversation',
  searchedFor: (question: string) => `Searched for: ${question}`,
  parts: 'Parts of the question',
  partStates: {
    searching: 'searching',
    searching_again: 'searching again',
    evidence: 'found',
    none: 'not in the documents',
  },
  further: 'Ask further',
  furtherHint: 'A question that goes on from this answer',
  askFurther: 'Ask further',
  reading: 'Reading',
  thinking: 'Thinking',
  writing: 'Writing',
  stopped: 'Stopped',
  done: 'Answered',
  seconds: (s: number) => `${s < 10 ? s.toFixed(1) : Math.round(s)} s`,
  answerNow: 'Answer now',
  thought: (time: string) => `Thought for ${time}`,
  extractTitle: 'In the documents’ own words',
  answerTitle: 'Answer',
  resultsTitle: 'Passages found',
  problemsTitle: 'What the sources do not support',
  sources: 'Sources',
  noSources: 'Nothing was found.',
  verdicts: {
    supported: 'supported',
    partly: 'partly supported',
    unsupported: 'not supported',
    unchecked: 'not checked',
  },
  verdictCounts: {
    supported: (n: number) => `${n} supported`,
    partly: (n: number) => `${n} partly supported`,
    unsupported: (n: number) => `${n} not supported`,
    unchecked: (n: number) => `${n} not checked`,
  },
  sentences: 'Sentences of this answer',
  marker: (n: number, title: string, verdict: string) =>
    `Source ${n}, ${title}${verdict ? `: ${verdict}` : ''}`,
  openSource: 'Open the source',
  openDocument: 'Open',
  original: 'Open the original',
  earlier: 'Show what comes before',
  later: 'Show what follows',
  quoteMoved: 'This document has changed since: the quote no longer stands in it.',
  loading: 'Loading',
  lowered: {
    full: 'Answered with less than was asked for.',
    short: 'Many are asking: the model thought only briefly.',
    quick: 'Many are asking: the model answered without thinking first.',
    extract: 'Answered in the documents’ own words, without the model.',
    results: 'Many are asking: these are the passages found.',
  },
  cut: 'The answer reached its length limit and was cut.',
  overloaded: 'More people are asking than can be answered now.',
  noText: 'Stopped before the first word.',
  retry: 'Try again',
  retryIn: (s: number) => `Try again in ${s} s`,
  again: 'Ask again',
  copy: 'Copy',
  copied: 'Copied',
  receipt: {
    mode: 'Mode',
    model: 'Model',
    time: 'Time',
    tokens: 'Tokens read, written',
    generation: 'State of the index',
    stages: 'Stages',
  },
  failures: {
    offline: 'The server cannot be reached.',
    key: 'This server wants an API key.',
    limit: 'The limit of this key is used up.',
    busy: 'The server cannot answer right now.',
    cut: 'The connection broke before the answer was whole.',
    other: 'Something went wrong.',
  },
  keyLabel: 'API key',
  keyNote: 'Kept in this browser, sent to this server only.',
  keySave: 'Save and ask',
  keyForget: 'Forget the key',
  hint: { focus: 'to search', ask: 'to ask', stop: 'to stop' },
};

export type Words = typeof en;

const zh: Words = {
  tagline: '从你自己的文档中找答案，句句有出处。',
  holds: (documents) => `可搜索 ${documents.toLocaleString('zh')} 篇文档。`,
  placeholder: '向你的文档提问',
  ask: '提问',
  stop: '停止',
  clear: '清空',
  suggestions: '建议',
  mode: '回答方式',
  modes: { auto: '自动', quick: '快速', deep: '深思', extract: '摘录' },
  modeHints: {
    auto: '有模型就先思考，没有就摘录',
    quick: '直接作答，不先思考',
    deep: '先思考再作答',
    extract: '只用文档的原句',
  },
  home: 'CiteSeek，回到首页',
  history: '历史',
  historyEmpty: '还没有提过问题。问题只保存在这个浏览器里。',
  historyNote: '只保存在这个浏览器里。',
  recent: '问过的问题',
  forget: '删除',
  forgetAll: '全部删除',
  theme: { system: '颜色：跟随系统', light: '颜色：浅色', dark: '颜色：深色' },
  otherLanguage: 'EN',
  toOtherLanguage: 'Switch to English',
  close: '关闭',
  searching: '正在搜索',
  asking: '正在提问',
  queued: (place, seconds) =>
    `排在第 ${place} 位` +
    (seconds <= 0
      ? ''
      : seconds < 100
        ? `，约 ${seconds} 秒`
        : `，约 ${Math.round(seconds / 60)} 分钟`),
  rungs: {
    full: '',
    short: '提问的人多，将缩短思考',
    quick: '提问的人多，将不先思考',
    extract: '提问的人多，将摘录文档原句',
    results: '提问的人多，将列出找到的段落',
  },
  past: '此前的对话',
  searchedFor: (question) => `搜索的是：${question}`,
  parts: '问题的各部分',
  partStates: {
    searching: '正在搜索',
    searching_again: '再次搜索',
    evidence: '已找到',
    none: '文档中没有',
  },
  further: '接着问',
  furtherHint: '就这个回答继续提问',
  askFurther: '接着问',
  reading: '正在阅读',
  thinking: '正在思考',
  writing: '正在作答',
  stopped: '已停止',
  done: '已回答',
  seconds: (s) => `${s < 10 ? s.toFixed(1) : Math.round(s)} 秒`,
  answerNow: '马上回答',
  thought: (time) => `思考了 ${time}`,
  extractTitle: '文档原句',
  answerTitle: '回答',
  resultsTitle: '找到的段落',
  problemsTitle: '来源没有支持的内容',
  sources: '来源',
  noSources: '没有找到相关内容。',
  verdicts: {
    supported: '有依据',
    partly: '部分有依据',
    unsupported: '无依据',
    unchecked: '未核对',
  },
  verdictCounts: {
    supported: (n) => `${n} 句有依据`,
    partly: (n) => `${n} 句部分有依据`,
    unsupported: (n) => `${n} 句无依据`,
    unchecked: (n) => `${n} 句未核对`,
  },
  sentences: '本回答的句子',
  marker: (n, title, verdict) => `来源 ${n}，${title}${verdict ? `：${verdict}` : ''}`,
  openSource: '打开来源',
  openDocument: '打开',
  original: '打开原文',
  earlier: '显示前文',
  later: '显示后文',
  quoteMoved: '这篇文档已经改动，引文不在其中了。',
  loading: '正在载入',
  lowered: {
    full: '回答比要求的简略。',
    short: '提问的人多：模型只作了简短思考。',
    quick: '提问的人多：模型没有先思考。',
    extract: '没有用模型，以下是文档原句。',
    results: '提问的人多：以下是找到的段落。',
  },
  cut: '回答达到长度上限，已截断。',
  overloaded: '提问的人太多，暂时答不过来。',
  noText: '还没有写出内容就停止了。',
  retry: '重试',
  retryIn: (s) => `${s} 秒后重试`,
  again: '再问一次',
  copy: '复制',
  copied: '已复制',
  receipt: {
    mode: '方式',
    model: '模型',
    time: '用时',
    tokens: '读入、写出词元',
    generation: '索引版本',
    stages: '各步用时',
  },
  failures: {
    offline: '连接不上服务器。',
    key: '这个服务器需要 API 密钥。',
    limit: '这个密钥的额度已用完。',
    busy: '服务器现在无法回答。',
    cut: '回答还没完，连接就断了。',
    other: '出了问题。',
  },
  keyLabel: 'API 密钥',
  keyNote: '只保存在这个浏览器里，只发给这个服务器。',
  keySave: '保存并提问',
  keyForget: '删除密钥',
  hint: { focus: '搜索', ask: '提问', stop: '停止' },
};

const kWords: Record<Language, Words> = { en, zh };

export function wordsOf(language: Language): Words {
  return kWords[language];
}

const Context = createContext<Words>(en);
export const WordsProvider = Context.Provider;

export function useWords(): Words {
  return useContext(Context);
}
