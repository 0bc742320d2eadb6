// The official Connect clients, for node and for browsers, against a real citeseek process.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import * as forNode from "@connectrpc/connect-node";
import * as forWeb from "@connectrpc/connect-web";
import { startCiteseek } from "./server.mjs";

const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(process.env.DESCRIPTORS)));
const service = (name) => registry.getService(`citeseek.v1.${name}`);
let citeseek;

before(async () => (citeseek = await startCiteseek()));
after(() => citeseek?.stop());

const transports = {
  "node, JSON": (baseUrl) => forNode.createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "node, protobuf": (baseUrl) => forNode.createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  "browser, JSON": (baseUrl) => forWeb.createConnectTransport({ baseUrl }),
  "browser, protobuf": (baseUrl) => forWeb.createConnectTransport({ baseUrl, useBinaryFormat: true }),
};

for (const [name, transport] of Object.entries(transports)) {
  test(`${name}: search, get and ask`, async () => {
    const made = transport(citeseek.url);
    const retrieval = createClient(service("Retrieval"), made);
    const { hits } = await retrieval.search({ text: "Halden Bridge", topK: 3 });
    assert.equal(hits.length, 3);

    const indexer = createClient(service("Indexer"), made);
    const key = { id: hits[0].documentId, collection: hits[0].collection };
    const { document, version } = await indexer.get({ key });
    assert.equal(version, hits[0].version);
    const bytes = new TextEncoder().encode(document.text);
    assert.equal(new TextDecoder().decode(bytes.slice(hits[0].start, hits[0].end)), hits[0].text);

    const gateway = createClient(service("Gateway"), made);
    let text = "", finished;
    for await (const { event } of gateway.ask({ text: "When was Halden Bridge opened?" })) {
      if (event.case === "answer") text += event.value;
      if (event.case === "finished") finished = event.value;
    }
    assert.match(text, /14 May 1887/);
    assert.equal(finished.text, text);
    assert.ok(finished.citations.length >= 1);
  });

  test(`${name}: errors have their codes`, async () => {
    const made = transport(citeseek.url);
    await assert.rejects(createClient(service("Indexer"), made).get({ key: { id: "none" } }),
      (error) => ConnectError.from(error).code === Code.NotFound);
    await assert.rejects(createClient(service("Retrieval"), made).search({ text: "" }),
      (error) => ConnectError.from(error).code === Code.InvalidArgument);
    await assert.rejects(async () => {
      for await (const _ of createClient(service("Gateway"), made).ask({ text: " " }));
    }, (error) => ConnectError.from(error).code === Code.InvalidArgument && /empty/.test(error.message));
  });
}
