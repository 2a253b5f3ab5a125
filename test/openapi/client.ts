// An HTTP client for requests that fetch() refuses to send, which can stop reading a stream.
import { type IncomingHttpHeaders, request } from 'node:http';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Stops reading a stream when it contains this text. */
  readonly until?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export function send(url: string, { method, path, headers, body, until }: Call): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const call = request(url + path, { method, headers: { ...length, ...headers }, agent: false }, (response) => {
      let text = '';
      const answer = () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        call.destroy();
      };
      response.setEncoding('utf8').on('end', answer).on('error', reject);
      response.on('data', (chunk) => {
        text += chunk;
        if (until !== undefined && text.includes(until)) answer();
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** The events of a stream, each as an object with its fields. */
export function eventsOf(text: string): Record<string, string>[] {
  const blocks = text.split('\n\n').filter((block) => /^event:/m.test(block));
  return blocks.map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))));
}
