// Text that packs numbers bit by bit, in the alphabet of base64url: 6 bits per character.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Map(ALPHABET.split('').map((character, value) => [character, value]));
const BITS_PER_CHARACTER = 6;

export class BitWriter {
  #text = '';
  #pending = 0;
  #pendingBits = 0;

  /** `value`: a whole number below 2 ** bits, at most 2 ** 53 - 1. */
  write(value: number, bits: number): void {
    for (let rest = bits; rest > 0; ) {
      const taken = Math.min(rest, BITS_PER_CHARACTER - this.#pendingBits);
      rest -= taken;
      this.#pending = this.#pending * 2 ** taken + (Math.floor(value / 2 ** rest) % 2 ** taken);
      this.#pendingBits += taken;
      if (this.#pendingBits < BITS_PER_CHARACTER) return;
      this.#text += ALPHABET[this.#pending];
      [this.#pending, this.#pendingBits] = [0, 0];
    }
  }

  /** The last character is filled up with zeros. */
  get text(): string {
    const missing = BITS_PER_CHARACTER - this.#pendingBits;
    return missing === BITS_PER_CHARACTER ? this.#text : this.#text + ALPHABET[this.#pending * 2 ** missing];
  }
}

export class BitReader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** NaN beyond the end of the text, or if it has a character that does not belong there. */
  read(bits: number): number {
    let value = 0;
    for (let rest = bits; rest > 0; ) {
      const offset = this.#position % BITS_PER_CHARACTER;
      const taken = Math.min(rest, BITS_PER_CHARACTER - offset);
      const character = VALUES.get(this.#text[Math.floor(this.#position / BITS_PER_CHARACTER)] ?? '') ?? Number.NaN;
      const below = BITS_PER_CHARACTER - offset - taken;
      value = value * 2 ** taken + (Math.floor(character / 2 ** below) % 2 ** taken);
      rest -= taken;
      this.#position += taken;
    }
    return value;
  }
}
