// Writes docs/benchmarks.md; every complete run replaces it. Explanations of missed goals are in bench/notes.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { table } from './table.mjs';

const NOTES = new URL('notes.md', import.meta.url);
const DOCUMENT = new URL('../docs/benchmarks.md', import.meta.url);

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`, which starts everything it needs on loopback and overwrites this page. The service, Redis and
the load share the machine. The variants are measured in turns; a figure is the median of all rounds, the spread is the range
from minimum to maximum, and ratios are computed within a round. On another machine, or a busy one, only the ratios are
comparable. The service has its default settings; Redis has an append-only file that is synced every second and not rewritten
during the benchmark, and SQLite has \`synchronous=FULL\`. CPU time is that of the whole process per request, as counted by the
kernel. The *floor* is a bare \`node:http\` server that stores nothing, and the *hand-written* receiver stores the last callback
received in Redis.`;

export function writeDocument({ machine, goals, outcomes }) {
  const date = new Date().toISOString().slice(0, 10);
  const facts = [`measured on ${date} by \`npm run bench\``, ...machine].map((fact) => `- ${fact}`);
  const sections = [INTRODUCTION, facts.join('\n'), '## Goals', table(goals.rows), ...explanations(goals.missed)];
  writeFileSync(DOCUMENT, `${[...sections, ...outcomes.flatMap(section)].join('\n\n')}\n`);
}

/** The outcome of one part, as Markdown. */
export function section({ title, tables }) {
  return [`## ${title}`, ...tables.flatMap(({ text, rows }) => [text, table(rows)])];
}

function explanations(missed) {
  const notes = readFileSync(NOTES, 'utf8').split(/^## /m);
  return missed.flatMap((name) => {
    const [note] = notes.filter((text) => text.startsWith(`${name}\n`));
    const text =
      note?.slice(name.length).trim() ?? 'Not explained yet: add a section of this name to `bench/notes.md`.';
    return [`### Missed: ${name}`, text];
  });
}
