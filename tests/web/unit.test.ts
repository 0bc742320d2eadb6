// The parts of the page that need no browser.
import assert from 'node:assert/strict';
import test from 'node:test';

import { pastOf } from '../../services/web/src/asking';
import { fromHistory } from '../../services/web/src/box';
import { citationAt, claimsOf, cutClaims, unitsOf } from '../../services/web/src/claims';
import type { Citation, Hit } from '../../services/web/src/events';
import { parse, type Inline } from '../../services/web/src/markdown';
import { Marker, prose, Tag, type Reading } from '../../services/web/src/prose';
import { fail, kNoReply, stop, take, type Reply } from '../../services/web/src/reply';
import { SseParser } from '../../services/web/src/sse';
import { parseHistory, remember } from '../../services/web/src/store';
import { boundary, bytesBefore, cutAround, encode } from '../../services/web/src/utf8';
import { isWebAddress, locate } from '../../services/web/src/viewer';
import { wordsOf } from '../../services/web/src/words';
// @ts-ignore: plain JavaScript
import { variants } from './variants.mjs';

const kHit: Hit = {
  rank: 1,
  document_id: 'd',
  collection: 'c',
  version: 1,
  title: 'T',
  uri: '',
  start: 0,
  end: 4,
  text: 'text',
};
const kCitation: Citation = {
  marker: 1,
  document_id: 'd',
  collection: 'c',
  version: 1,
  title: 'T',
  uri: '',
  start: 0,
  end: 4,
  quote: 'text',
  verdict: 'supported',
  answer_start: 0,
  answer_end: 4,
};

function reading(text: string, part: Partial<Reading> = {}): Reading {
  return { text, hits: [kHit], citations: [], claims: [], open: () => {}, peek: () => {}, ...part };
}

// Every element, and every text, of a tree of virtual nodes.
function walk(node: any, see: (node: any) => void) {
  if (Array.isArray(node)) return node.forEach((child) => walk(child, see));
  if (node === null || node === undefined || typeof node === 'boolean') return;
  see(node);
  if (typeof node === 'object') walk(node.props.children, see);
}

test('bytes of UTF-8 are counted in every plane', () => {
  const text = 'aé桥😀z';
  assert.equal(bytesBefore(text, text.length), encode(text).length);
  assert.deepEqual(unitsOf(text, [0, 1, 3, 6, 10, 11]), [0, 1, 2, 3, 5, 6]);
  assert.equal(boundary(encode(text), 4), 3);
  assert.equal(boundary(encode(text), 9), 6);
});

test('a text is cut around bytes, not around characters', () => {
  const text = '\uFEFF前文😀。望月桥始建于一五四四年。后文';
  const bytes = encode(text);
  const start = encode('\uFEFF前文😀。').length;
  const end = start + encode('望月桥始建于一五四四年。').length;
  const cut = cutAround(bytes, start, end, 1000);
  assert.equal(cut.before, '\uFEFF前文😀。');
  assert.equal(cut.inside, '望月桥始建于一五四四年。');
  assert.equal(cut.after, '后文');
  const narrow = cutAround(bytes, start, end, 4);
  assert.equal(narrow.inside, cut.inside);
  assert.ok(narrow.cutBefore && narrow.cutAfter);
  assert.ok(!(narrow.before + narrow.after).includes('\uFFFD'));
  assert.equal(cutAround(bytes, 1e9, 2e9, 5).inside, '');
});

test('a quote is found where it is, where it has moved to, and not at all', () => {
  const document = {
    id: 'd',
    collection: 'c',
    version: 2,
    title: '',
    uri: '',
    text: '桥 old bridge',
  };
  const place = {
    document_id: 'd',
    collection: 'c',
    version: 1,
    title: '',
    start: 4,
    end: 14,
    quote: 'old bridge',
  };
  assert.deepEqual([locate(document, place).start, locate(document, place).end], [4, 14]);
  const moved = locate({ ...document, text: '望月桥 old bridge' }, place);
  assert.deepEqual([moved.start, moved.end, moved.moved], [10, 20, false]);
  assert.ok(locate({ ...document, text: 'new bridge' }, place).moved);
});

test('an event stream may be cut anywhere', () => {
  const stream =
    'event: answer\ndata: {"a":"é"}\n\n: ping\n\ndata:x\r\ndata: y\r\n\r\nevent: none\n\n';
  const whole = [
    { name: 'answer', data: '{"a":"é"}' },
    { name: '', data: 'x\ny' },
  ];
  for (let cut = 0; cut <= stream.length; ++cut) {
    const parser = new SseParser();
    assert.deepEqual(
      [...parser.feed(stream.slice(0, cut)), ...parser.feed(stream.slice(cut))],
      whole,
    );
  }
});

test('events add up to a reply, and nothing follows its end', () => {
  let reply: Reply = kNoReply;
  const feed = (event: any, now: number) => (reply = take(reply, event, now));
  feed({ event: 'queued', place: 3, eta_ms: 4000, rung: 'short' }, 1000);
  assert.deepEqual(
    [reply.stage, reply.place, reply.eta, reply.toldAt, reply.rung],
    ['queued', 3, 4000, 1000, 'short'],
  );
  feed({ event: 'queued', place: 0, eta_ms: 0 }, 2000);
  assert.equal(reply.stage, 'searching');
  feed({ event: 'searched', hits: [kHit], generation: 1 }, 2100);
  feed({ event: 'thought', text: 'a' }, 3000);
  feed({ event: 'thought', text: 'b' }, 3500);
  assert.deepEqual([reply.thought, reply.thinkingSince, reply.thinkingUntil], ['ab', 3000, 0]);
  feed({ event: 'answer', text: 'It is' }, 5000);
  feed({ event: 'answer', text: ' so [1].' }, 5100);
  assert.deepEqual([reply.text, reply.thinkingUntil], ['It is so [1].', 5000]);
  feed({ event: 'citation', ...kCitation }, 5200);
  feed({ event: 'of a newer server' }, 5200);
  const stopped = stop(reply, 6000);
  assert.equal(stopped.end, 'stopped');
  assert.equal(take(stopped, { event: 'answer', text: '!' }, 7000), stopped);
  feed({ event: 'error', error: { code: 'unavailable', message: 'm' } }, 6000);
  assert.deepEqual(
    [reply.end, reply.failure?.kind, reply.failure?.message],
    ['failed', 'busy', 'm'],
  );
  assert.equal(fail(reply, { kind: 'cut', message: '' }, 1), reply);
});

test('a reply tells what became of each part of the question', () => {
  const part = (n: number, state: 'searching' | 'searching_again' | 'evidence' | 'none') =>
    ({ event: 'part', part: n, parts: 2, question: `q${n}`, state }) as const;
  let reply = kNoReply;
  for (const event of [part(1, 'searching'), part(2, 'searching'), part(1, 'evidence')]) {
    reply = take(reply, event, 1);
  }
  reply = take(take(reply, part(2, 'searching_again'), 1), part(2, 'none'), 1);
  assert.deepEqual(reply.parts, [
    { question: 'q1', state: 'evidence' },
    { question: 'q2', state: 'none' },
  ]);
});

test('a reply tells what was searched for and how to go on; a long past is cut', () => {
  let reply = take(
    kNoReply,
    { event: 'searched', hits: [], generation: 1, rewritten_question: 'How long is the bridge?' },
    1,
  );
  assert.equal(reply.rewritten, 'How long is the bridge?');
  reply = take(reply, { event: 'follow_ups', questions: ['And how wide?'] }, 2);
  assert.deepEqual(reply.followUps, ['And how wide?']);
  const asking = {
    question: 'q',
    mode: 'auto' as const,
    past: Array.from({ length: 20 }, (_, i) => ({ question: `q${i}`, answer: 'x'.repeat(5000) })),
    main: { ...reply, text: 'It is 40 m long [1]. So [12].' },
    extract: null,
  };
  const past = pastOf(asking);
  assert.deepEqual(past.at(-1), { question: 'q', answer: 'It is 40 m long. So.' });
  assert.ok(JSON.stringify(past).length <= 24_000 && past.length >= 4, `${past.length}`);
});

test('a stopped thought has an end', () => {
  const reply = stop(take(kNoReply, { event: 'thought', text: 'a' }, 10), 25);
  assert.deepEqual([reply.thinkingSince, reply.thinkingUntil], [10, 25]);
});

test('the Markdown that is known becomes blocks', () => {
  const text =
    '# Head\n\nA **bold *and* em** `c[1]` [1]\nline\n\n- one\n  more\n  - two\n3. three\n\n```js\n[1]\n```\n> q\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n***\nend';
  assert.deepEqual(
    parse(text).map((b) => b.kind),
    ['heading', 'paragraph', 'list', 'list', 'code', 'quote', 'table', 'paragraph'],
  );
  const [, paragraph, list, ordered, code, , table] = parse(text) as any[];
  assert.deepEqual(
    paragraph.of.map((p: Inline) => p.kind),
    ['text', 'strong', 'text', 'code', 'text', 'marker', 'break', 'text'],
  );
  assert.deepEqual(
    list.items.map((i: any) => i.depth),
    [0, 1],
  );
  assert.deepEqual([ordered.ordered, ordered.start], [true, 3]);
  assert.equal(code.text, '[1]');
  assert.equal(table.rows.length, 2);
});

test('what is not closed is text, and offsets are those of the source', () => {
  const text = 'a ** b *c [12] snake_case_name 2*3*4 \\*x\\* `open';
  const [paragraph] = parse(text) as any[];
  let said = '';
  for (const part of paragraph.of) {
    if (part.kind === 'marker') assert.equal(text.slice(part.at, part.at + 4), '[12]');
    if (part.kind === 'text')
      assert.equal(text.slice(part.at, part.at + part.text.length), part.text);
    said += part.text ?? '';
  }
  assert.match(said, /snake_case_name/);
  assert.deepEqual(parse(''), []);
});

test('long hostile texts are read in little time', () => {
  const kinds = [
    '*',
    '_',
    '`',
    '[',
    '**a',
    '> ',
    '- ',
    '|',
    '`a``',
    '\\',
    '[1]',
    '#',
    '\n',
    '~~~\n',
    '*a ',
  ];
  for (const kind of kinds) {
    const start = performance.now();
    parse(kind.repeat(Math.ceil(100_000 / kind.length)));
    assert.ok(performance.now() - start < 1500, `${JSON.stringify(kind)} is slow`);
  }
});

test('a thousand ways out give no link, no image, no attribute', () => {
  const elements = new Set([
    'p',
    'h3',
    'blockquote',
    'pre',
    'code',
    'ol',
    'ul',
    'li',
    'br',
    'strong',
    'em',
    'span',
    'div',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
    Marker,
    Tag,
  ]);
  const attributes = new Set([
    'children',
    'class',
    'tabIndex',
    'start',
    'source',
    'reading',
    'claim',
  ]);
  const all: string[] = variants();
  assert.equal(all.length, 1000);
  assert.ok(new Set(all).size > 950);
  for (const variant of all) {
    const text = `Before. ${variant}\n\nAfter [1].\n${variant}`;
    let said = '';
    walk(prose(parse(text), reading(text)), (node) => {
      if (typeof node !== 'object') {
        said += node;
        return;
      }
      assert.ok(elements.has(node.type), `${variant}: <${node.type}>`);
      for (const [name, value] of Object.entries(node.props)) {
        assert.ok(attributes.has(name), `${variant}: ${name}`);
        if (name === 'class') assert.match(String(value), /^(table|glue|depth-\d|claim \w+)$/);
        if (name === 'start' || name === 'tabIndex') assert.equal(typeof value, 'number');
        // A source is one that the server named, whatever the text says.
        if (name === 'source') assert.equal((value as any).hit, kHit);
      }
      assert.equal(node.ref ?? null, null);
    });
    assert.ok(said.includes('Before.') && said.includes('After'), variant);
  }
});

test('only sources that the server named can be opened', () => {
  const text = 'One [1], two [2], none [7], code `[1]`, link [1](x).';
  const numbers: number[] = [];
  walk(prose(parse(text), reading(text, { citations: [{ ...kCitation, marker: 2 }] })), (node) => {
    if (typeof node === 'object' && node.type === Marker) numbers.push(node.props.source.number);
  });
  assert.deepEqual(numbers, [1, 2]);
});

test('a marker means the citation of its own sentence', () => {
  const first = { ...kCitation, answer_start: 0, answer_end: 10 };
  const second = { ...kCitation, answer_start: 15, answer_end: 25, verdict: 'partly' as const };
  assert.equal(citationAt([first, second], 1, 11), first);
  assert.equal(citationAt([first, second], 1, 26), second);
  assert.equal(citationAt([first], 2, 26), null);
});

test('claims are cut out of the text, and told behind their markers', () => {
  const text = '桥很长。 It is **old** [1]. Fine.';
  const start = bytesBefore(text, text.indexOf('It'));
  const end = bytesBefore(text, text.indexOf(' Fine'));
  const claims = claimsOf(text, [], [{ start, end, verdict: 'partly' }]);
  assert.equal(text.slice(claims[0]!.start, claims[0]!.end), 'It is **old** [1].');
  const [paragraph] = parse(text) as any[];
  const kinds = cutClaims(paragraph.of, claims).map((p) => p.kind);
  assert.deepEqual(kinds, ['text', 'claim', 'strong', 'claim', 'marker', 'claim', 'tag', 'text']);
});

test('a tag stands right behind its claim, and blanks where they were', () => {
  const text = 'One. Two. [1] Three';
  const claims = claimsOf(
    text,
    [],
    [
      { start: 0, end: 4, verdict: 'partly' },
      { start: 5, end: 9, verdict: 'unsupported' },
    ],
  );
  const [paragraph] = parse(text) as any[];
  const said = cutClaims(paragraph.of, claims).map((p: any) => p.text ?? p.kind);
  assert.deepEqual(said, ['One.', 'tag', ' ', 'Two.', ' ', 'marker', 'tag', ' Three']);
});

test('without checked sentences the best citation of each speaks', () => {
  const citations = [
    { ...kCitation, verdict: 'unsupported' as const },
    { ...kCitation, marker: 2, verdict: 'supported' as const },
  ];
  assert.deepEqual(
    claimsOf('text', citations, []).map((c) => c.verdict),
    ['supported'],
  );
});

test('history is kept once a question, newest first, and survives garbage', () => {
  const asked = (question: string, at: number) => ({ question, mode: 'auto' as const, at });
  const kept = remember([asked('a', 1), asked('b', 2)], asked('b', 3));
  assert.deepEqual(
    kept.map((a) => a.at),
    [3, 1],
  );
  assert.deepEqual(parseHistory(JSON.stringify(kept)), kept);
  for (const broken of [
    '',
    '{',
    '{}',
    '[1,null,{"question":1}]',
    '[{"question":"x","mode":"y","at":1}]',
  ]) {
    assert.deepEqual(parseHistory(broken), []);
  }
  assert.deepEqual(
    fromHistory([asked('When was the bridge built', 1)], 'bri').map((o) => o.text),
    ['When was the bridge built'],
  );
  assert.deepEqual(fromHistory([asked('When', 1)], 'en'), []);
});

test('both languages say everything', () => {
  const shape = (value: any): any =>
    typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shape(v)]))
      : typeof value;
  assert.deepEqual(shape(wordsOf('zh')), shape(wordsOf('en')));
});

test('only web addresses of documents are linked', () => {
  for (const good of ['https://example.org/a b', 'HTTP://x.example']) assert.ok(isWebAddress(good));
  for (const bad of [
    'javascript:alert(1)',
    ' https://x',
    'data:,x',
    '//x',
    'a.md',
    'https:',
    'http//x',
  ]) {
    assert.ok(!isWebAddress(bad), bad);
  }
});
