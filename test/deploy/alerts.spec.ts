// The alerts, checked and tested with Prometheus' own tool, and their runbook.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findProgram } from '../find-program.js';
import { DEPLOY, readAlertRules, readYaml } from './files.js';

const TEST_FILES = ['alerts.test.yml', 'alerts-of-days.test.yml'];
const RUNBOOK = readFileSync(join(DEPLOY, '..', 'docs', 'runbook.md'), 'utf8');

const alerts = readAlertRules();
const names = alerts.map(({ alert }) => alert);

interface TestFile {
  readonly tests: readonly { readonly alert_rule_test: readonly AlertTest[] }[];
}

interface AlertTest {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

function promtool(...args: readonly string[]): { status: number | null; output: string } {
  const binary = findProgram(['promtool'], 'prometheus');
  const { status, stdout, stderr } = spawnSync(binary, args, { cwd: join(DEPLOY, 'prometheus'), encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('the alerts', () => {
  it('and the configuration of Prometheus are valid', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toMatchObject({
      status: 0,
      output: expect.stringContaining(`${alerts.length} rules found`),
    });
  });

  it('pass their tests', () => {
    const { status, output } = promtool('test', 'rules', ...TEST_FILES);
    expect(output.match(/SUCCESS/g)).toHaveLength(TEST_FILES.length);
    expect(status).toBe(0);
  });

  it('have a test in which they fire and one in which they do not', () => {
    const tests = TEST_FILES.flatMap((file) => readYaml<TestFile>(`prometheus/${file}`).tests);
    const checks = tests.flatMap(({ alert_rule_test: own }) => own);
    const tested = (isFiring: boolean) =>
      new Set(
        checks.filter(({ exp_alerts: expected }) => expected.length > 0 === isFiring).map((one) => one.alertname),
      );
    expect([...tested(true)].sort()).toEqual([...names].sort());
    expect([...tested(false)].sort()).toEqual([...names].sort());
  });

  it('say how urgent they are, and what they mean', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const { labels, annotations } of alerts) {
      expect(labels.severity).toMatch(/^(critical|warning)$/);
      expect(annotations.summary).toMatch(/^.{10,90}$/);
      expect(annotations.description).toMatch(/^.{20,}\.$/);
    }
  });

  it('each have a section in the runbook, and no other section is there', () => {
    const sections = [...RUNBOOK.matchAll(/^## (Rollcall\w+)$/gm)].map(([, title]) => title);
    expect(sections).toEqual(names);
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(
        `https://git.example.com/rollcall/blob/main/docs/runbook.md#${alert.toLowerCase()}`,
      );
    }
  });

  it('have sections that say what the alert means, what to look at and what to do', () => {
    const sections = RUNBOOK.split(/^## /m).filter((section) => section.startsWith('Rollcall'));
    const incomplete = sections.filter(
      (section) => !['**Meaning.**', '**Look at.**', '**Do.**'].every((part) => section.includes(part)),
    );
    expect(incomplete.map((section) => section.split('\n')[0])).toEqual([]);
  });
});
