// docs/benchmarks.md, written anew by each whole run. What people have to say of missed goals is in bench/notes.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { table } from './table.mjs';

const NOTES = new URL('notes.md', import.meta.url);
const DOCUMENT = new URL('../docs/benchmarks.md', import.meta.url);

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`, which starts all that it needs on loopback; changed by hand it would be lost. Service, Redis and
the load share the machine. The contestants take turns, round after round; a figure is the median of its rounds, the spread is
from the least to the most, and a ratio is that of one round. On another machine, or one that has other work, only the
ratios mean something. The service has its default settings; Redis has an append-only file that is synced every second and not
rewritten meanwhile, and SQLite has \`synchronous=FULL\`. Processor time is that of the whole process, from the kernel's count, for each request.`;

export function writeDocument({ machine, goals, outcomes }) {
  const date = new Date().toISOString().slice(0, 10);
  const facts = [`measured on ${date} by \`npm run bench\``, ...machine].map((fact) => `- ${fact}`);
  const sections = [INTRODUCTION, facts.join('\n'), '## Goals', table(goals.rows), ...explanations(goals.missed)];
  writeFileSync(DOCUMENT, `${[...sections, ...outcomes.flatMap(section)].join('\n\n')}\n`);
}

/** A part's outcome, as Markdown. */
export function section({ title, tables }) {
  return [`## ${title}`, ...tables.flatMap(({ text, rows }) => [text, table(rows)])];
}

function explanations(missed) {
  const notes = readFileSync(NOTES, 'utf8').split(/^## /m);
  return missed.flatMap((name) => {
    const [note] = notes.filter((text) => text.startsWith(`${name}\n`));
    const text =
      note?.slice(name.length).trim() ?? 'Not explained yet: a section of this name in `bench/notes.md` will be.';
    return [`### Missed: ${name}`, text];
  });
}
