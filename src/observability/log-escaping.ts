// Escaping for log lines, which contain text from callers: ids, event names, tags, error messages. Unescaped, some characters
// would let that text control the terminal, forge a second line, or reorder what a person reads ("Trojan Source",
// CVE-2021-42574). They are written as \uXXXX. This file must load on any version of Node.js, so it imports nothing.

/** C0 and C1 control characters, line and paragraph separators, bidirectional controls. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
/** JSON.stringify already escapes C0. Unpaired surrogates (Cs) have no UTF-8 encoding and would become U+FFFD. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu;
/** Only the line breaks that V8 and pino put into a stack trace. */
const BEFORE_FRAME = /\n(?=\s+at |caused by: )/;

/** `json`: output of JSON.stringify. The result parses to the same value. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE_IN_JSON, escapeCharacter);
}

/** For a terminal: escapes every key and string at every depth. */
export function parseEscaped(json: string): unknown {
  return JSON.parse(json, (key, value: unknown) => {
    if (typeof value === 'string') return key === 'stack' ? escapeStack(value) : escapeText(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [escapeText(name), member]));
  });
}

/** For a terminal: keeps only the line breaks of the stack trace. */
export function escapeStack(stack: string): string {
  return stack.split(BEFORE_FRAME).map(escapeText).join('\n');
}

function escapeText(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
