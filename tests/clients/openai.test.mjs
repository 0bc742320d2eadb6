// The official OpenAI client against a real citeseek process.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { startCiteseek, startModel } from "./server.mjs";

const question = "When was Halden Bridge opened?";
const messages = [{ role: "user", content: question }];
let model, citeseek, openai;

before(async () => {
  model = await startModel();
  citeseek = await startCiteseek("--openai", model.url, "--model", "scripted");
  openai = new OpenAI({ baseURL: `${citeseek.url}/v1`, apiKey: "none", maxRetries: 0 });
});
after(async () => {
  await citeseek?.stop();
  model?.stop();
});

test("lists models", async () => {
  const ids = [];
  for await (const m of openai.models.list()) ids.push(m.id);
  assert.deepEqual(ids.slice(0, 5),
    ["citeseek", "citeseek-extract", "citeseek-quick", "citeseek-deep", "citeseek-embed"]);
  assert.equal((await openai.models.retrieve("citeseek")).object, "model");
});

test("a chat streams thoughts apart, an answer, its citation and the usage", async () => {
  const stream = await openai.chat.completions.create({
    model: "citeseek-deep", messages, stream: true, stream_options: { include_usage: true },
  });
  let text = "", thought = "", usage, last;
  const annotations = [];
  for await (const chunk of stream) {
    const delta = chunk.choices[0]?.delta;
    text += delta?.content ?? "";
    thought += delta?.reasoning_content ?? "";
    annotations.push(...(delta?.annotations ?? []));
    last = chunk.choices[0]?.finish_reason ?? last;
    usage = chunk.usage ?? usage;
  }
  assert.equal(thought, "Let me look. ");
  assert.match(text, /Halden Bridge was opened on 14 May 1887/);
  assert.equal(last, "stop");
  assert.equal(usage.total_tokens, 120);
  assert.ok(annotations.length >= 1);
  for (const { type, url_citation: c } of annotations) {
    assert.equal(type, "url_citation");
    assert.match([...text].slice(c.start_index, c.end_index).join(""), /^\[\d+\]$/);
    const source = await fetch(new URL(c.url, citeseek.url));
    assert.equal(source.status, 200);
  }
});

test("the client's own accumulator takes the stream", async () => {
  const runner = openai.chat.completions.stream({ model: "citeseek-deep", messages });
  const completion = await runner.finalChatCompletion();
  assert.match(completion.choices[0].message.content, /14 May 1887/);
});

test("a whole chat holds annotations and quotes", async () => {
  const completion = await openai.chat.completions.create({ model: "citeseek-extract", messages });
  const { message, finish_reason } = completion.choices[0];
  assert.equal(finish_reason, "stop");
  assert.match(message.content, /14 May 1887/);
  assert.ok(message.annotations.length >= 1);
  for (const { doc_id, quote } of completion.citations) {
    const document = await (await fetch(`${citeseek.url}/api/v1/documents/${doc_id}`)).json();
    assert.ok(document.text.includes(quote));
  }
});

test("responses stream and come whole", async () => {
  const types = [];
  let text = "";
  const stream = await openai.responses.create({ model: "citeseek-deep", input: question, stream: true });
  for await (const event of stream) {
    types.push(event.type);
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  assert.equal(types[0], "response.created");
  assert.equal(types.at(-1), "response.completed");
  assert.ok(types.includes("response.reasoning_summary_text.delta"));
  assert.ok(types.includes("response.output_text.annotation.added"));
  // A known answer costs nothing, and has no thought any more.
  const known = await openai.responses.create({ model: "citeseek-deep", input: messages, store: false });
  assert.equal(known.output_text, text);
  assert.equal(known.usage.total_tokens, 0);
  const citeseek = { no_cache: true };
  const whole = await openai.responses.create({ model: "citeseek-deep", input: messages, store: false, citeseek });
  assert.equal(whole.output_text, text);
  assert.equal(whole.usage.total_tokens, 120);
  const runner = openai.responses.stream({ model: "citeseek-deep", input: question, citeseek });
  const [thought, message] = (await runner.finalResponse()).output;
  assert.equal(thought.summary[0].text, "Let me look. ");
  assert.equal(message.content[0].text, text);
});

test("sampling reaches the model, and what is out of range is named", async () => {
  const sampling = {
    temperature: 0.25, top_p: 0.5, presence_penalty: -1, frequency_penalty: 0.5, stop: ["STOP"], seed: 11,
  };
  const told = { ...sampling, max_tokens: 77 };
  const ask = (more) => openai.chat.completions.create({ model: "citeseek-deep", messages, ...more });
  await ask({ ...sampling, max_completion_tokens: 77 });
  for (const [name, value] of Object.entries(told)) assert.deepEqual(model.bodies.at(-1)[name], value, name);
  const calls = model.bodies.length;
  assert.equal((await ask(told)).usage.total_tokens, 0); // known: it was drawn in the same way
  assert.equal(model.bodies.length, calls);
  assert.equal((await ask({ ...told, temperature: 0.5 })).usage.total_tokens, 120);
  await openai.responses.create({ model: "citeseek-quick", input: question, max_output_tokens: 99, temperature: 0 });
  assert.equal(model.bodies.at(-1).max_tokens, 99);
  assert.equal(model.bodies.at(-1).temperature, 0);
  for (const [param, value, limit] of [
    ["temperature", 3, "[0, 2]"], ["top_p", -1, "[0, 1]"], ["presence_penalty", 9, "[-2, 2]"],
    ["frequency_penalty", -9, "[-2, 2]"], ["max_tokens", 0, "[1, 131072]"], ["n", 2, "[1, 1]"],
  ]) {
    await assert.rejects(ask({ [param]: value }), (error) =>
      error instanceof OpenAI.BadRequestError && error.param === param &&
      error.message.includes(`${param} ${value} is not in ${limit}`), param);
  }
  await assert.rejects(ask({ logprobs: true }), (error) => error.param === "logprobs");
  const extract = await openai.chat.completions.create({ model: "citeseek-extract", messages, ...sampling });
  assert.match(extract.choices[0].message.content, /14 May 1887/);
});

test("embeddings come in base64, which the client asks for, and as numbers", async () => {
  const input = ["Halden Bridge", "a recipe for soup"];
  const packed = await openai.embeddings.create({ model: "citeseek-embed", input });
  const plain = await openai.embeddings.create({ model: "citeseek-embed", input, encoding_format: "float" });
  assert.equal(packed.data.length, 2);
  assert.equal(packed.data[0].embedding.length, 512);
  packed.data[0].embedding.forEach((x, i) =>
    assert.ok(Math.abs(x - plain.data[0].embedding[i]) < 1e-6));
  const norm = Math.hypot(...packed.data[0].embedding);
  assert.ok(Math.abs(norm - 1) < 1e-3);
});

test("errors are the client's own kinds", async () => {
  await assert.rejects(openai.chat.completions.create({ model: "gpt-4", messages }),
    (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
  await assert.rejects(openai.chat.completions.create({ model: "citeseek", messages: [] }),
    OpenAI.BadRequestError);
  await assert.rejects(
    openai.chat.completions.create({ model: "citeseek", messages: [{ role: "user", content: "q".repeat(1 << 20) }] }),
    (error) => error.status === 400 && /1048576/.test(error.message) && /32768/.test(error.message));
});

test("aborting a stream frees the model's call", async () => {
  const slow = [{ role: "user", content: "a slow question about Halden Bridge" }];
  const stream = await openai.chat.completions.create({ model: "citeseek-deep", messages: slow, stream: true });
  for await (const chunk of stream) {
    if (!chunk.choices[0].delta.reasoning_content) continue;
    stream.controller.abort();
    break;
  }
  const left = Date.now();
  while (model.closed.length === 0 && Date.now() - left < 5000) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(model.closed.length, 1);
  assert.ok(model.closed[0] - left < 500, `took ${model.closed[0] - left} ms`);
});
