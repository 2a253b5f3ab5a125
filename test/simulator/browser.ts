// A real browser with a page that uses the provider's own SDK, like a customer's application.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type BrowserServer, chromium, type Page } from 'playwright-core';
import { findProgram } from '../find-program.js';
import { closeOnce } from '../leftovers.js';

/** Without the last ones, the browser contacts its vendor's servers. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

const APPLICATION = join(import.meta.dirname, 'application.js');

export class Browser {
  private constructor(
    private readonly process: BrowserServer,
    private readonly pages: Server,
    public page: Page,
  ) {}

  static async start(): Promise<Browser> {
    const executablePath = findProgram(['chromium', 'chromium-browser', 'google-chrome'], 'chromium');
    const [process, script] = await Promise.all([
      chromium.launchServer({ executablePath, args: FLAGS }),
      bundleApplication(),
    ]);
    closeOnce(() => process.close());
    const pages = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end(`<!doctype html><title>call</title><script type="module">${script}</script>`);
    }).listen(0, '127.0.0.1');
    closeOnce(() => pages.close());
    await once(pages, 'listening');
    const browser = await chromium.connect(process.wsEndpoint());
    return new Browser(process, pages, await browser.newPage());
  }

  /** Replaces the page with one that shares no state with it. */
  async renewPage(): Promise<void> {
    const context = this.page.context();
    this.page = (await context.browser()?.newPage()) ?? this.page;
    await context.close();
  }

  /** Opens the application. `signalling`: the URL of the signalling server. */
  async open(token: string, signalling: string): Promise<void> {
    const { port } = this.pages.address() as AddressInfo;
    await this.page.goto(`http://127.0.0.1:${port}/?${String(new URLSearchParams({ token, signalling }))}`);
  }

  async leave(): Promise<void> {
    await this.page.evaluate('leave()');
  }

  /** Kills the browser, like an operating system that is out of memory: nothing is sent. */
  kill(): Promise<void> {
    return this.process.kill();
  }

  async stop(): Promise<void> {
    await this.process.close();
    this.pages.closeAllConnections();
    this.pages.close();
  }
}

/** The SDK imports Node's `events`, for which there is a package. */
async function bundleApplication(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [APPLICATION],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  return (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}
