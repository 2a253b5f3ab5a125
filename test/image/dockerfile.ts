// Reads the Dockerfile into the steps of each stage.
import { readFileSync } from 'node:fs';

interface Step {
  readonly keyword: string;
  /** What follows the keyword, without line breaks, and with the defaults of the arguments inserted. */
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly steps: readonly Step[];
}

export function readDockerfile(): Stage[] {
  const source = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const lines = source.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '');
  const defaults = new Map([...lines.matchAll(/^ARG (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  const steps = [...lines.matchAll(/^([A-Z]+) (.*)$/gm)].map(([, keyword = '', text = '']) => ({ keyword, text }));
  const stages: (Stage & { steps: Step[] })[] = [];
  for (const { keyword, text } of steps) {
    // Only these: in other steps ${…} belongs to a shell or to JavaScript.
    const inserted = /^(FROM|LABEL)$/.test(keyword)
      ? text.replace(/\$\{(\w+)\}/g, (_, name) => defaults.get(name) ?? '')
      : text;
    const [, from = '', name = 'image'] = /^(\S+)(?: AS (\S+))?$/.exec(inserted) ?? [];
    if (keyword === 'FROM') stages.push({ name, from, steps: [] });
    else stages.at(-1)?.steps.push({ keyword, text: inserted });
  }
  return stages;
}

export function lastOf(stages: readonly Stage[]): Stage {
  const last = stages.at(-1);
  if (!last) throw new Error('the Dockerfile has no stages');
  return last;
}
