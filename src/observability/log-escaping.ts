// A log line holds text that callers chose: ids, event names, tags, messages of errors. Some characters would let that
// text act on the terminal that shows it, forge a second line, or reorder what a person reads ("Trojan Source",
// CVE-2021-42574). They are written as \uXXXX instead. This file loads on any Node.js, and so imports nothing.

/** C0 and C1 control characters, line and paragraph separators, bidirectional controls. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
/** JSON.stringify has escaped C0 already. UTF-8 cannot carry unpaired surrogates (Cs): they would become U+FFFD. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;
/** The line breaks that V8 and pino put into a stack trace, and no others. */
const BEFORE_FRAME = /\n(?=\s+at |caused by: )/;

/** `json`: what JSON.stringify has written. The result parses to the same value. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE_IN_JSON, escapeCharacter);
}

/** For a terminal: every key and every string is escaped, at every depth. */
export function parseEscaped(json: string): unknown {
  return JSON.parse(json, (key, value: unknown) => {
    if (typeof value === 'string') return key === 'stack' ? escapeStack(value) : escapeText(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [escapeText(name), member]));
  });
}

/** For a terminal: only the line breaks of the stack trace remain. */
export function escapeStack(stack: string): string {
  return stack.split(BEFORE_FRAME).map(escapeText).join('\n');
}

function escapeText(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
