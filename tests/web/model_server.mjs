// A model server that speaks OpenAI's chat/completions: each answer is what `script` gives for the
// last message: [{thought | text, after}], `after` in milliseconds before it; {hang: true} waits
// until the caller goes away.
import http from 'node:http';

export async function startModelServer(script) {
  const seen = { calls: 0, closedByCaller: 0 };
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', async () => {
      if (!request.url.endsWith('/chat/completions')) {
        response.end(
          JSON.stringify({ object: 'list', data: [{ id: 'scripted', object: 'model' }] }),
        );
        return;
      }
      ++seen.calls;
      const { messages } = JSON.parse(body);
      const steps = script(messages.at(-1).content, messages);
      if (steps.status) {
        response.writeHead(steps.status, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify({ error: { message: 'out of order' } }));
        return;
      }
      let gone = false;
      response.on('close', () => {
        if (response.writableEnded) return;
        gone = true;
        ++seen.closedByCaller;
      });
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      const say = (delta, finish_reason = null) =>
        response.write(
          `data: ${JSON.stringify({
            id: 'c',
            object: 'chat.completion.chunk',
            model: 'scripted',
            choices: [{ index: 0, delta, finish_reason }],
          })}\n\n`,
        );
      for (const step of steps) {
        if (step.hang) return;
        if (step.after) await new Promise((resolve) => setTimeout(resolve, step.after));
        if (gone) return;
        say(
          step.thought !== undefined ? { reasoning_content: step.thought } : { content: step.text },
        );
      }
      say({}, 'stop');
      const usage = { prompt_tokens: 321, completion_tokens: 45, total_tokens: 366 };
      response.write(`data: ${JSON.stringify({ id: 'c', choices: [], usage })}\n\n`);
      response.end('data: [DONE]\n\n');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
