/**
 * The QuickJS-NG interpreter: a WebAssembly binary from the registry.
 *
 * Wire        wasm32, WASI reactor; memory: stack (grows down towards address 0), constants and static variables, heap up to the last page
 * Source      npm quickjs-wasi 3.6.2, quickjs.wasm; the JavaScript beside it is not used
 * Invariants  The binary is exactly the one that the addresses below were read from, or it is refused.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { toHex } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'

export const JS_BINARY_SHA256 = 'd4c9375f2b1ca4dc95f72c8aa2982a7a9951ac8011490d79c6582df732b4bbd9'
const PACKAGE_FILE = 'quickjs-wasi/quickjs.wasm'

/** The C stack lies below everything else, so that running over its end is a trap and spoils nothing. */
export const JS_STACK_BYTES = 1024 * 1024
/** Index of the global that is the stack pointer, the only mutable one. */
export const JS_STACK_POINTER = 0
/**
 * Where QuickJS itself ends a recursion, with an error that programs can catch: some 1,600 calls. In every way to recurse that is known
 * this takes less than half of the stack that a worker thread has, so that the machine's own limit, which differs, is never met first.
 */
export const JS_RECURSION_BYTES_MAX = 384 * 1024

/**
 * From this much memory on cycles are collected, then again whenever half as much has come. A process that has just started has less: collecting touches
 * all of its memory, which would then no longer be that of its template.
 */
export const JS_GARBAGE_BYTES_MIN = 768 * 1024

/** Parts of the language, as the binary's `qjs_init2` numbers them. Left out: WeakRef and FinalizationRegistry, performance. */
const PARTS = {
  date: 0,
  eval: 1,
  regexp: 2,
  json: 3,
  proxy: 4,
  mapSet: 5,
  typedArrays: 6,
  promise: 7,
  bigInt: 8,
  domException: 11,
  base64: 12,
}
export const JS_PARTS = Object.values(PARTS).reduce((mask, bit) => mask | (1 << bit), 0)

export function readJsBinary(): Uint8Array {
  const bytes = readFileSync(createRequire(import.meta.url).resolve(PACKAGE_FILE))
  const actual = toHex(sha256(bytes))
  if (actual === JS_BINARY_SHA256) return bytes
  throw new HeddleError(
    'module-unsupported',
    { module: PACKAGE_FILE, reason: 'unexpected binary' },
    `${PACKAGE_FILE} has the SHA-256 ${actual}, expected ${JS_BINARY_SHA256}; run npm ci to get the pinned package`,
  )
}
