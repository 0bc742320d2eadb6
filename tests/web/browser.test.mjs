// The page in a real Chromium, against a real `citeseek up` over the sample and a scripted model.
// Screenshots of every state are left in CITESEEK_WEB_OUTPUT.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { startModelServer } from './model_server.mjs';
import { variants } from './variants.mjs';

const { CITESEEK_BINARY, CITESEEK_WEB_OUTPUT, CITESEEK_WEB_PACKAGES } = process.env;
const require = createRequire(CITESEEK_WEB_PACKAGES);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const kKey = 'cs-test-key';
const kQuestion = 'When was Halden Bridge opened?';
const kThought = 'Passage [1] gives 14 May 1887, the chronicle 3 June 1888. I should tell both.';
const kAnswer =
  'Halden Bridge was opened to traffic on **14 May 1887** by the county surveyor [1]. ' +
  'The chronicle says that on 3 June 1888 the new bridge was opened [2].\n\n' +
  '- It was designed by Agnes Halden, who was thirty-one when she won the competition [1].\n';
const kWrong =
  'Halden Bridge was opened to traffic on 14 May 1887 [1]. It was opened to traffic on 14 May 1997 [1]. ' +
  'Elephants paint its railings in violet every winter. That is all.';
const kChinese = '望月桥是谁出资建的？';
const kChineseAnswer = '桥始建于明嘉靖二十三年，由本地商人顾望月出资[1]。';

const kVariants = variants();
const words = (text) => text.match(/\S+\s*/g);

let endless = 0;

function script(prompt) {
  if (prompt.includes('Which ways out')) {
    const part = Number(/part (\d+)/.exec(prompt)[1]);
    return [{ text: 'All [1].\n\n' + kVariants.slice(part * 250, part * 250 + 250).join('\n\n') }];
  }
  if (prompt.includes('Never'))
    return [{ thought: 'Halden ' }, { thought: 'Bridge' }, { hang: true }];
  if (prompt.includes('Wrong'))
    return [{ thought: 'Hm.' }, ...words(kWrong).map((text) => ({ text }))];
  if (prompt.includes('Dying')) {
    return [
      { thought: 'Hm.' },
      { text: 'Halden Bridge was opened on 14 May 1887 [1]. It ' },
      { hang: true },
    ];
  }
  if (prompt.includes('Endless')) {
    return ++endless > 1
      ? [{ text: kAnswer }]
      : [{ thought: 'Halden ' }, { thought: 'Bridge' }, { hang: true }];
  }
  if (prompt.includes('Broken')) return { status: 500 };
  if (prompt.includes('Slow')) {
    return [
      ...words(kThought).map((thought) => ({ thought, after: 100 })),
      ...words(kAnswer).map((text) => ({ text })),
    ];
  }
  if (prompt.includes(kChinese)) return [{ thought: '看第一段。' }, { text: kChineseAnswer }];
  return [
    ...words(kThought).map((thought) => ({ thought, after: 80 })),
    ...words(kAnswer).map((text) => ({ text, after: 25 })),
  ];
}

// A server of its own; `more` is YAML.
async function startServer(model, more) {
  const folder = mkdtempSync(path.join(tmpdir(), 'citeseek-web-'));
  const config = path.join(folder, 'config.yaml');
  writeFileSync(
    config,
    `data: ${folder}/data\nopenai:\n  url: ${model.url}\n  model: scripted\n${more}`,
  );
  const child = spawn(
    CITESEEK_BINARY,
    ['up', '--config', config, '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--log', 'off'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const url = await new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (piece) => {
      said += piece;
      const found = /HTTP on (http:\/\/\S+?:\d+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on('exit', () => reject(new Error(`citeseek up ended: ${said}`)));
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  return {
    url,
    kill: () => child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let model, server, browser;

before(async () => {
  mkdirSync(CITESEEK_WEB_OUTPUT, { recursive: true });
  model = await startModelServer(script);
  const hash = createHash('sha256').update(kKey).digest('hex');
  [server, browser] = await Promise.all([
    startServer(model, ''),
    chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
  ]);
  server.withKey = () =>
    startServer(model, `http:\n  keys:\n    - name: a\n      sha256: ${hash}\n`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  model?.close();
});

const kDesk = { viewport: { width: 1280, height: 860 }, locale: 'en-GB' };

// Runs `body` on a fresh page; whatever it loads from elsewhere, logs as an error or throws fails.
async function visit(options, body, url = server.url) {
  const context = await browser.newContext({ ...kDesk, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) faults.push(`request: ${request.url()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // What the server refuses, the browser logs: that is no fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load'))
      faults.push(message.text());
  });
  try {
    await page.goto(`${url}/`);
    await body(page);
    assert.deepEqual(faults, []);
  } catch (error) {
    await page.screenshot({ path: `${CITESEEK_WEB_OUTPUT}/failed.png` });
    throw error;
  } finally {
    await context.close();
  }
}

const shot = (page, name) =>
  page.screenshot({ path: `${CITESEEK_WEB_OUTPUT}/${name}.png`, animations: 'disabled' });

async function ask(page, question) {
  await page.fill('input[name=q]', question);
  await page.press('input[name=q]', 'Enter');
}

// Three others who ask; returns how they leave.
async function crowd(url, question) {
  const others = new AbortController();
  for (let i = 0; i < 3; ++i) {
    fetch(`${url}/api/v1/ask`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ question: `${question} ${i}`, mode: 'deep' }),
      signal: others.signal,
    })
      .then((reply) => reply.text())
      .catch(() => {});
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  return () => others.abort();
}

async function checkAccess(page, where) {
  // The page's own policy lets no script in: the checker comes by the debugger's door.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run({ resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations.map((v) =>
      v.id + ': ' + v.nodes.map((n) => n.target + ' ' + n.failureSummary).join(' | '))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.deepEqual(JSON.parse(result.value), [], where);
  await session.detach();
}

async function checkWidth(page, where) {
  const [content, view] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    innerWidth,
  ]);
  assert.ok(content <= view, `${where}: ${content} px in ${view} px`);
}

// What the server itself says is cited.
async function citationsOf(question, mode) {
  const reply = await fetch(`${server.url}/api/v1/ask`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ question, mode, stream: false }),
  });
  return (await reply.json()).citations;
}

async function bytesOf(citation) {
  const address = citation.document_id.split('/').map(encodeURIComponent).join('/');
  const reply = await fetch(`${server.url}/api/v1/documents/${address}`);
  return Buffer.from((await reply.json()).text, 'utf8')
    .subarray(citation.start, citation.end)
    .toString('utf8');
}

test('a question is answered: quotes at once, thought, answer, markers', () =>
  visit({}, async (page) => {
    await page.waitForSelector('.foot span');
    assert.equal(await page.evaluate(() => document.activeElement.name), 'q');
    await shot(page, 'start');
    await checkAccess(page, 'start');
    await ask(page, kQuestion);
    await page.waitForSelector('.extract .marker');
    await page.waitForSelector('#thought:not([hidden])');
    assert.match(await page.textContent('.fold'), /Thinking \d/);
    await shot(page, 'thinking');
    await page.waitForSelector('.answer .prose.writing');
    await page.waitForSelector('.answer .marker');
    await shot(page, 'writing');
    await page.waitForSelector('.after');
    assert.match(await page.textContent('.fold'), /Thought for \d/);
    assert.equal(await page.isVisible('#thought'), false);
    await page.click('.fold');
    assert.equal(await page.textContent('#thought'), kThought);
    await page.click('.fold');
    assert.equal(await page.textContent('.answer strong'), '14 May 1887');
    assert.equal(await page.locator('.answer li').count(), 1);
    assert.deepEqual(await page.locator('.answer .marker').allTextContents(), ['1', '2', '1']);
    assert.match(
      await page.locator('.answer .marker').first().getAttribute('aria-label'),
      /^Source 1, Halden Bridge/,
    );
    assert.ok((await page.locator('.sources li').count()) >= 5);
    await shot(page, 'answer');
    await checkAccess(page, 'answer');
    await checkWidth(page, 'answer');
    const extract = await page.evaluate(
      () =>
        performance.getEntriesByName('extract')[0].startTime -
        performance.getEntriesByName('asked')[0].startTime,
    );
    console.log(`# the extract is there after ${Math.round(extract)} ms`);
  }));

test('the extract is there within 300 ms', () =>
  visit({}, async (page) => {
    const times = [];
    for (let i = 0; i < 9; ++i) {
      await ask(page, `When was Halden Bridge opened ${'?'.repeat(i + 1)}`);
      await page.waitForFunction(() => performance.getEntriesByName('extract').length > 0);
      times.push(
        await page.evaluate(
          () =>
            performance.getEntriesByName('extract')[0].startTime -
            performance.getEntriesByName('asked')[0].startTime,
        ),
      );
      await page.press('input[name=q]', 'Escape');
      await page.waitForSelector('.send:not(.stop)');
    }
    times.sort((a, b) => a - b);
    console.log(`# extract after ${times.map(Math.round).join(', ')} ms`);
    // Of nine the third best: the machine may be busy with other things.
    assert.ok(times[2] < 300, `${times}`);
  }));

for (const [language, locale, question, name] of [
  ['English', 'en-GB', kQuestion, 'source'],
  ['Chinese', 'zh-CN', kChinese, 'source-chinese'],
]) {
  test(`a marker opens the ${language} source at exactly the quoted bytes`, () =>
    visit({ locale, colorScheme: language === 'Chinese' ? 'dark' : 'light' }, async (page) => {
      await ask(page, question);
      await page.waitForSelector('.after');
      const answered = page.locator('.answer .marker');
      const citations = await citationsOf(question, 'auto');
      assert.ok(citations.length > 0);
      assert.equal(await answered.count(), citations.length);
      await answered.first().hover();
      await page.waitForSelector('.peek mark');
      assert.equal(await page.textContent('.peek mark'), citations[0].quote);
      await shot(page, `${name}-hover`);
      for (let i = 0; i < citations.length; ++i) {
        await page.mouse.move(0, 0);
        await answered.nth(i).click();
        await page.waitForSelector('.viewer mark');
        const marked = await page.textContent('.viewer mark');
        assert.equal(marked, citations[i].quote);
        assert.equal(marked, await bytesOf(citations[i]));
        const seen = await page.locator('.viewer mark').evaluate((mark) => {
          const box = mark.getBoundingClientRect();
          return box.top >= 0 && box.top < innerHeight;
        });
        assert.ok(seen, 'the quote is scrolled to');
        if (i === 0) {
          await shot(page, name);
          await checkAccess(page, name);
        }
        await page.keyboard.press('Escape');
        await page.waitForSelector('.viewer', { state: 'detached' });
      }
      assert.equal(
        await page.evaluate(() => document.documentElement.lang),
        locale === 'zh-CN' ? 'zh-CN' : 'en',
      );
    }));
}

test('stopping closes the stream, and the model is told', () =>
  visit({}, async (page) => {
    const { closedByCaller } = model.seen;
    await ask(page, 'Never: how long is the bridge of Halden?');
    await page.waitForSelector('#thought:not([hidden])');
    await page.click('.send.stop');
    await page.waitForSelector('.status:has-text("Stopped")');
    await page.waitForSelector('.send:not(.stop)');
    for (let i = 0; i < 100 && model.seen.closedByCaller === closedByCaller; ++i) {
      await page.waitForTimeout(50);
    }
    assert.equal(model.seen.closedByCaller, closedByCaller + 1);
    await shot(page, 'stopped');
    await checkAccess(page, 'stopped');
  }));

test('a thought can be ended, and the answer follows', () =>
  visit({}, async (page) => {
    await ask(page, `Endless: ${kQuestion}`);
    await page.waitForSelector('#thought:not([hidden])');
    await shot(page, 'thinking-long');
    await checkAccess(page, 'thinking');
    await page.click('text=Answer now');
    await page.waitForSelector('.after');
    assert.equal(await page.textContent('.answer strong'), '14 May 1887');
    assert.equal(await page.locator('.now').count(), 0);
    assert.equal(await page.locator('.notice').count(), 0); // as was asked for
    await shot(page, 'answered-now');
  }));

test('who must wait sees the place in line, and what the wait costs', async () => {
  const busy = await startServer(model, 'limits:\n  model_calls: 1\n  patience_s: 300\n');
  try {
    await visit(
      {},
      async (page) => {
        const leave = await crowd(busy.url, `Slow: ${kQuestion}`);
        await ask(page, `Slow: ${kQuestion}`);
        await page.waitForSelector('.status:has-text("in line")');
        await page.waitForSelector('.extract .marker'); // meanwhile
        assert.match(await page.textContent('.status'), /Place \d+ in line, about \d+ (s|min)/);
        await shot(page, 'queued');
        await page.waitForSelector('.after');
        assert.ok((await page.textContent('.answer')).includes('14 May 1887'));
        leave();
      },
      busy.url,
    );
  } finally {
    await busy.stop();
  }
});

test('who would wait too long is answered by the documents, and told why', async () => {
  const busy = await startServer(model, 'limits:\n  model_calls: 1\n  patience_s: 1\n');
  try {
    await visit(
      {},
      async (page) => {
        const leave = await crowd(busy.url, 'Never: Halden?');
        await ask(page, kQuestion);
        await page.waitForSelector('.after');
        assert.match(await page.textContent('.notice'), /without the model.*wait/s);
        assert.match(await page.textContent('.answer'), /3 June 1888/);
        assert.equal(await page.locator('.extract').count(), 0);
        await shot(page, 'lowered');
        leave();
      },
      busy.url,
    );
  } finally {
    await busy.stop();
  }
});

test('where even the line is full, the time to ask again is told', () =>
  visit({}, async (page) => {
    const text = '512 questions are in line before this one. Ask again in about 40 s.';
    const receipt = {
      asked_mode: 'auto',
      mode: 'extract',
      rung: 'results',
      degraded: '512 questions wait, the limit',
      generation: 1,
      model: '',
      prompt_tokens: 0,
      completion_tokens: 0,
      stages: [],
      total_ms: 1,
    };
    const events = [
      { event: 'queued', place: 513, eta_ms: 40_000, rung: 'results' },
      { event: 'answer', text },
      { event: 'finished', reason: 'overloaded', answer: text, citations: [], receipt },
    ];
    const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
    await page.route('**/api/v1/ask', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body }),
    );
    await ask(page, kQuestion);
    await page.waitForSelector('.after');
    assert.match(await page.textContent('.notice'), /More people are asking.*512 questions/s);
    assert.match(await page.textContent('.answer'), /Ask again in about 40 s/);
    assert.equal(await page.textContent('#answer-title'), 'Answer');
    await shot(page, 'overloaded');
    await page.unroute('**/api/v1/ask');
    await page.click('.actions button:has-text("Ask again")');
    await page.waitForSelector('.answer .marker');
  }));

test('a question goes on from an answer, and the conversation survives a reload', () =>
  visit({}, async (page) => {
    await ask(page, kQuestion);
    await page.waitForSelector('.further');
    await checkAccess(page, 'further');
    await page.fill('input[name=further]', 'How long is it?');
    await shot(page, 'further');
    await page.press('input[name=further]', 'Enter');
    const followed = async () => {
      await page.waitForSelector('.further');
      assert.equal(await page.textContent('#question'), 'How long is it?');
      assert.deepEqual(await page.locator('.past summary').allTextContents(), [kQuestion]);
      // What it leaves out was filled in before the search.
      assert.match(await page.textContent('article'), /Searched for: .*Halden Bridge/);
    };
    await followed();
    await page.click('.past summary');
    assert.match(await page.textContent('.past p'), /14 May 1887/);
    await checkAccess(page, 'followed');
    await checkWidth(page, 'followed');
    await shot(page, 'followed');
    await page.reload();
    await followed();
    await page.goBack();
    await page.waitForSelector('.further');
    assert.equal(await page.textContent('#question'), kQuestion);
    assert.equal(await page.locator('.past').count(), 0);
  }));

test('what the sources do not support is told in words, not in colour alone', () =>
  visit({}, async (page) => {
    await ask(page, `Wrong: ${kQuestion}`);
    await page.waitForSelector('.after');
    const tags = await page.locator('.answer .tag').allTextContents();
    assert.ok(tags.includes('not supported'), `${tags}`);
    assert.match(await page.textContent('.verdicts'), /\d supported.*\d not supported/);
    await page.click('.problems summary');
    assert.match(await page.textContent('.problems'), /1997|Elephants/);
    await shot(page, 'verdicts');
    await checkAccess(page, 'verdicts');
  }));

test('a server that dies while it answers leaves what it said, and a way to ask again', async () => {
  const dying = await startServer(model, '');
  try {
    await visit(
      {},
      async (page) => {
        await ask(page, `Dying: ${kQuestion}`);
        await page.waitForSelector('.answer .marker');
        dying.kill();
        await page.waitForSelector('[role=alert]');
        assert.match(await page.textContent('[role=alert]'), /connection broke/);
        assert.match(await page.textContent('.answer'), /14 May 1887/);
        await shot(page, 'cut');
        await page.click('[role=alert] button');
        await page.waitForSelector('[role=alert]:has-text("cannot be reached")');
      },
      dying.url,
    );
  } finally {
    await dying.stop();
  }
});

test('a model that is out of order is named, and the documents answer', () =>
  visit({}, async (page) => {
    await page.click('label:has-text("Deep")');
    await ask(page, `Broken: ${kQuestion}`);
    await page.waitForSelector('.after');
    assert.match(await page.textContent('.notice'), /own words, without the model.*500/s);
    assert.equal(await page.locator('.extract').count(), 0);
    assert.match(await page.textContent('.answer'), /3 June 1888/);
    await shot(page, 'without-model');
    await checkAccess(page, 'without model');
  }));

test('a server that is gone is told plainly, and asking again works', () =>
  visit({}, async (page) => {
    await page.route('**/api/v1/ask', (route) => route.abort());
    await ask(page, kQuestion);
    await page.waitForSelector('[role=alert]');
    assert.match(await page.textContent('[role=alert]'), /cannot be reached/);
    await shot(page, 'unreachable');
    await checkAccess(page, 'unreachable');
    await page.unroute('**/api/v1/ask');
    await page.click('[role=alert] button');
    await page.waitForSelector('.after');
    assert.equal(await page.locator('[role=alert]').count(), 0);
  }));

test('a server with keys asks for one and keeps it', async () => {
  const guarded = await server.withKey();
  try {
    await visit(
      {},
      async (page) => {
        await ask(page, kQuestion);
        await page.waitForSelector('input[name=key]');
        await shot(page, 'key');
        await checkAccess(page, 'key');
        await page.fill('input[name=key]', kKey);
        await page.press('input[name=key]', 'Enter');
        await page.waitForSelector('.after');
        await page.reload();
        await page.waitForSelector('.after');
        await page.click('nav button');
        await page.click('text=Forget the key');
        await page.reload();
        await page.waitForSelector('input[name=key]');
      },
      guarded.url,
    );
  } finally {
    await guarded.stop();
  }
});

test('suggestions come while typing, and keys move through them', () =>
  visit({}, async (page) => {
    await page.type('input[name=q]', 'halden br');
    await page.waitForSelector('#suggestions [role=option]');
    const offered = await page.locator('#suggestions [role=option] span').allTextContents();
    assert.ok(offered.includes('halden bridge'), `${offered}`);
    assert.ok(offered.includes('Halden Bridge: facts and figures'), `${offered}`);
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.getAttribute('input[name=q]', 'aria-activedescendant'), 'suggestion-0');
    await shot(page, 'suggestions');
    await checkAccess(page, 'suggestions');
    await page.keyboard.press('ArrowUp');
    assert.equal(await page.getAttribute('input[name=q]', 'aria-activedescendant'), null);
    await page.keyboard.press('Escape');
    assert.equal(await page.isVisible('#suggestions'), false);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.after');
    assert.equal(await page.textContent('h1'), offered[0]);
    await page.click('h1');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.name), 'q');
  }));

test('history is kept, asked again, and deleted; the address says what is asked', () =>
  visit({}, async (page) => {
    await page.click('label:has-text("Extract")');
    await ask(page, kQuestion);
    await page.waitForSelector('.after');
    assert.match(page.url(), /#q=When\+was\+Halden\+Bridge\+opened%3F&mode=extract$/);
    await ask(page, kChinese);
    await page.waitForSelector('h1:has-text("望月桥")');
    await page.goBack();
    await page.waitForSelector(`h1:has-text("${kQuestion}")`);
    await page.click('.brand');
    await page.waitForSelector('.recent');
    await shot(page, 'start-again');
    await checkAccess(page, 'start again');
    await page.click('nav button');
    await page.waitForSelector('.history li');
    assert.equal(await page.locator('.history li').count(), 2);
    await shot(page, 'history');
    await checkAccess(page, 'history');
    await page.click('.history li:first-child .icon');
    assert.equal(await page.locator('.history li').count(), 1);
    await page.click('text=Delete all');
    assert.equal(await page.locator('.history li').count(), 0);
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => localStorage.getItem('citeseek.history')), null);
    assert.equal(await page.locator('.recent').count(), 0);
  }));

test('language and colours can be switched, and stay', () =>
  visit({}, async (page) => {
    await page.click('.language');
    assert.equal(await page.getAttribute('input[name=q]', 'placeholder'), '向你的文档提问');
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    // The page draws itself anew after the click or the change, not in it.
    const becomes = (isLight) =>
      page.waitForFunction(
        ([old, same]) => (getComputedStyle(document.body).backgroundColor === old) === same,
        [light, isLight],
      );
    await page.emulateMedia({ colorScheme: 'dark' });
    await becomes(false);
    await page.emulateMedia({ colorScheme: 'light' });
    await becomes(true);
    await page.click('nav button:nth-child(2)');
    await page.click('nav button:nth-child(2)');
    await becomes(false);
    const dark = await paper();
    await page.reload();
    await page.waitForSelector('.box');
    assert.equal(await paper(), dark);
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
    await shot(page, 'start-chinese-dark');
    await checkAccess(page, 'dark');
    await ask(page, kQuestion);
    await page.waitForSelector('.after');
    await shot(page, 'answer-dark');
    await checkAccess(page, 'answer in the dark');
  }));

test('a telephone of 360 px shows everything without scrolling sideways', () =>
  visit({ viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true }, async (page) => {
    await checkWidth(page, 'start');
    await shot(page, 'phone-start');
    await ask(page, kQuestion);
    await page.waitForSelector('.after');
    await shot(page, 'phone-answer');
    await page.tap('.brand');
    await page.type('input[name=q]', 'halden br');
    await page.waitForSelector('#suggestions [role=option]');
    await checkWidth(page, 'suggestions');
    await ask(page, `${kQuestion} ${'Verylongword'.repeat(20)}`);
    await page.waitForSelector('.after');
    await checkWidth(page, 'answer');
    await checkAccess(page, 'phone');
    await page.tap('.answer .marker');
    await page.waitForSelector('.viewer mark');
    await checkWidth(page, 'source');
    await shot(page, 'phone-source');
    await page.tap('.viewer header .icon');
    await page.tap('nav button');
    await page.waitForSelector('.history');
    await checkWidth(page, 'history');
  }));

test('a thousand ways out give no link, no image, no request', () =>
  visit({}, async (page) => {
    await page.click('label:has-text("Quick")');
    for (let part = 0; part < 4; ++part) {
      await ask(page, `Which ways out has Halden Bridge, part ${part}?`);
      await page.waitForSelector(`h1:has-text("part ${part}")`);
      await page.waitForSelector('.after', { timeout: 30_000 });
      const found = await page.evaluate(() => {
        const answer = document.querySelector('.answer .prose');
        const allowed = new Set(['class', 'type', 'aria-label', 'tabindex', 'start', 'title']);
        const others = [...answer.querySelectorAll('*')].flatMap((element) =>
          [...element.attributes]
            .filter((a) => !allowed.has(a.name))
            .map((a) => `${element.tagName} ${a.name}`),
        );
        const active = answer.querySelectorAll(
          'a, img, picture, video, audio, iframe, object, embed, script, style, link, form, svg, meta, base, input',
        );
        return {
          others,
          active: active.length,
          buttons: answer.querySelectorAll('button:not(.marker)').length,
          length: answer.textContent.length,
        };
      });
      assert.deepEqual([found.others, found.active, found.buttons], [[], 0, 0]);
      assert.ok(found.length > 8000, `${found.length}`); // it was shown
    }
    await shot(page, 'ways-out');
  }));
