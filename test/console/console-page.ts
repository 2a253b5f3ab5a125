// The console in a real browser, which records whatever its content security policy has refused.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@jest/globals';
import type { Page, Browser as PlaywrightBrowser } from 'playwright-core';
import { eventually } from '../eventually.js';
import { Browser } from '../simulator/browser.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeViolation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** In the trace event format of Chromium. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly args: { readonly name?: string };
  /** Processor time of the thread, in microseconds. */
  readonly tdur?: number;
}

export class ConsolePage {
  private constructor(private readonly browser: Browser) {}

  static async start(): Promise<ConsolePage> {
    const page = new ConsolePage(await Browser.start());
    await page.#watch();
    return page;
  }

  get page(): Page {
    return this.browser.page;
  }

  /** A tab that shares nothing with the one before. */
  async renew(): Promise<void> {
    await this.browser.renewPage();
    await this.#watch();
  }

  stop(): Promise<void> {
    return this.browser.stop();
  }

  async expectConnection(kind: 'live' | 'interrupted'): Promise<void> {
    await eventually(async () =>
      expect(await this.page.locator('[data-connection]').getAttribute('data-connection')).toBe(kind),
    );
  }

  async expectText(selector: string, text: string | RegExp): Promise<void> {
    await eventually(async () => expect(await this.page.locator(selector).first().textContent()).toMatch(text));
  }

  /** The row of a participant, as text; '' if there is none. */
  async rowOf(participantId: string): Promise<string> {
    const row = this.page.locator('[role=row]', { has: this.page.getByText(participantId, { exact: true }) });
    return (await row.count()) === 0 ? '' : String(await row.first().textContent());
  }

  /** The processor time of each task of the page's main thread while `run` runs, in milliseconds. */
  async taskTimes(run: () => Promise<void>): Promise<number[]> {
    const browser = this.page.context().browser() as PlaywrightBrowser;
    await browser.startTracing(this.page, { categories: ['toplevel'] });
    await run();
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
    const main = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
    const isOfMain = ({ pid, tid }: TraceEvent) => main.some((thread) => thread.pid === pid && thread.tid === tid);
    const tasks = traceEvents.filter((event) => event.name === 'ThreadControllerImpl::RunTask' && isOfMain(event));
    // One that had not ended has no time yet.
    return tasks.flatMap(({ tdur }) => (tdur === undefined ? [] : tdur / 1_000));
  }

  /** What the policy has refused in this page so far. */
  violations(): Promise<string[]> {
    return this.page.evaluate('violations');
  }

  /** Faults that make a page hard to use for some, of serious impact or worse. */
  async faults(): Promise<string[]> {
    // By the debugger, which the policy does not concern.
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate<{ violations: AxeViolation[] }>('axe.run()');
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  #watch(): Promise<unknown> {
    return this.page.addInitScript(`
      globalThis.violations = [];
      addEventListener('securitypolicyviolation', (event) =>
        violations.push(event.violatedDirective + ' ' + event.blockedURI));
    `);
  }
}
