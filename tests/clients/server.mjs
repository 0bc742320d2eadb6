// A real citeseek process over the sample corpus, with a scripted model server behind it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Streams a thought and a cited answer, or, asked for "slow", thoughts until the client leaves.
export async function startModel() {
  const model = { closed: [], bodies: [] };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", async () => {
      model.bodies.push(JSON.parse(body));
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      const say = (delta, finish_reason = null) =>
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
      if (body.includes("slow")) {
        const timer = setInterval(() => say({ reasoning_content: "hm " }), 20);
        response.on("close", () => {
          clearInterval(timer);
          model.closed.push(Date.now());
        });
        return;
      }
      say({ reasoning_content: "Let me look. " });
      for (const text of ["Halden Bridge was opened on ", "14 May 1887", " [1]."]) say({ content: text });
      say({}, "stop");
      const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
      response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  model.url = `http://127.0.0.1:${server.address().port}/v1`;
  model.stop = () => (server.closeAllConnections(), server.close());
  return model;
}

export async function startCiteseek(...options) {
  const data = mkdtempSync(join(tmpdir(), "citeseek-clients-"));
  const child = spawn(process.env.CITESEEK, [
    "up", "--data", data, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--json", ...options,
  ]);
  let errors = "";
  child.stderr.on("data", (bytes) => (errors += bytes));
  const line = await new Promise((resolve, reject) => {
    let out = "";
    child.stdout.on("data", (bytes) => {
      out += bytes;
      if (out.includes("\n")) resolve(out);
    });
    child.on("exit", () => reject(new Error(`citeseek ended: ${errors}`)));
  });
  return {
    url: `http://${JSON.parse(line).http}`,
    stop: async () => {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill();
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
