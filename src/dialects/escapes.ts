// Whether the escapes in a text are plain, 16 bytes at a time. WebAssembly, as whatever else the engine offers takes 8 ns
// for each backslash, of which a session description has two a line: 345 ns in place of 1,140 for an offer of 2.5 KB.
// What it does says escapes.wat beside; the bytes here are made of it by wat2wasm, which test/unit/escapes.test.ts holds.

/** escapes.wat. */
export const MODULE = Buffer.from(
  "AGFzbQEAAAABBgFgAX8BfwMCAQAFAwEAAgcUAgZtZW1vcnkCAAdpc1BsYWluAAAKnQEBmgECAX8DeyAAQSD9D/0LBAAgAEEg/Q/9" +
    "CwQQA0AgAf0ABAAhAiAB/QAEASEDIAQgAkEg/Q/9JiACQdwA/Q/9IyADQfIA/Q/9IyADQe4A/Q/9I/1QIANB9AD9D/0jIANB4gD9" +
    "D/0j/VD9UCADQeYA/Q/9IyADQS/9D/0j/VD9UP1P/VD9UCEEIAFBEGohASABIABJDQALIAT9U0UL",
  "base64",
)

/** 32 bytes behind a text, which the module writes over. */
const BLANKS = 32

interface Exports {
  readonly memory: WebAssembly.Memory
  /** Of so many bytes of the memory; 0 is no. */
  isPlain(length: number): number
}

/** Undefined on processors without such instructions (x64 before AVX): there what has escapes goes the slow way. */
const scan = WebAssembly.validate(MODULE)
  ? (new WebAssembly.Instance(new WebAssembly.Module(MODULE)).exports as unknown as Exports)
  : undefined
const space = new Uint8Array(scan?.memory.buffer ?? new ArrayBuffer(BLANKS)).subarray(0, -BLANKS)
const encoder = new TextEncoder()

/**
 * Whether a text has no control character, and every backslash begins one of `\b \f \n \r \t \/`. Says no as well where
 * it cannot tell: of more than 128 KiB.
 */
export function hasPlainEscapes(text: string): boolean {
  const { read, written } = encoder.encodeInto(text, space)
  return read === text.length && scan?.isPlain(written) === 1
}
