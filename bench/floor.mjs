// The minimal receiver: parses the JSON, stores nothing, and answers. All reads get the same response.
import { createServer } from 'node:http';

const participant = JSON.stringify({
  participantId: '473f6544-92f7-4d67-9e77-bf2533cfff6d',
  source: 'bandwidth',
  state: 'connected',
  since: '2021-08-12T16:37:14.676Z',
  tag: 'hello-world-phone',
  devices: [
    {
      deviceId: 'be199214-1a03-402a-a7b6-d002470a0465',
      state: 'connected',
      since: '2021-08-12T16:37:14.676Z',
      connectedAt: '2021-08-12T16:37:14.676Z',
      interruptions: 0,
    },
  ],
  lastEventAt: '2021-08-12T16:37:14.676Z',
  version: 1,
});
const headers = { 'content-type': 'application/json', 'content-length': participant.length };

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, headers).end(participant);
    return;
  }
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    JSON.parse(body);
    response.writeHead(204).end();
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
