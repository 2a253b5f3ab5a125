// The API key: in memory and in sessionStorage, so that it survives a reload and is forgotten with the tab.
import { signal } from '@preact/signals';

const NAME = 'rollcall.api-key';

/** '': none. */
export const apiKey = signal(stored());

export function keepKey(key: string): void {
  apiKey.value = key;
  try {
    if (key === '') sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    // Storage is off: the key is only in memory.
  }
}

function stored(): string {
  try {
    return sessionStorage.getItem(NAME) ?? '';
  } catch {
    return '';
  }
}
