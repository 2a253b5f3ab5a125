// npm run webhook-sink: a receiver for webhooks that prints what it gets, and whether the signature is genuine. Options: --port (default
// 8080) and --secret, once for each secret.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { Webhook } from 'standardwebhooks';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8080' }, secret: { type: 'string', multiple: true, default: [] } },
});
const webhooks = values.secret.map((secret) => new Webhook(secret));

function judge(body, headers) {
  if (webhooks.length === 0) return 'not verified';
  const isGenuine = webhooks.some((webhook) => {
    try {
      webhook.verify(body, headers);
      return true;
    } catch {
      return false;
    }
  });
  return isGenuine ? 'genuine' : 'NOT GENUINE';
}

const server = createServer(async (request, response) => {
  const body = await text(request).catch(() => undefined);
  // The sender has closed the connection.
  if (body === undefined) return;
  const verdict = judge(body, request.headers);
  response.writeHead(verdict === 'NOT GENUINE' ? 401 : 204).end();
  console.log(`${verdict} ${request.headers['webhook-id']} ${body}`);
});
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`The receiver of webhooks listens on http://127.0.0.1:${server.address().port}/`);
});
