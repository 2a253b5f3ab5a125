// The least that a receiver can do: read the JSON and answer. It keeps nothing.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
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
