/**
 * The Lua 5.3.6 interpreter: a WebAssembly binary from the registry, and what its letters mean.
 *
 * Wire        emscripten 2 output with minified import and export names; 32-bit memory: constants, stack, heap
 * Source      npm lua-wasm-bindings 0.5.3, dist/glue/glue-lua-5.3.6.wasm; letters read from the .js beside it, which is not used
 * Invariants  The binary is exactly the one that the tables below were made for, or it is refused: another one would have other letters.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { toHex } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'

export const LUA_BINARY_SHA256 = 'f80b99b5246b87d841a7e49059a83e21542c9533c494845c6a1f55aef8b5d900'
const PACKAGE_FILE = 'lua-wasm-bindings/dist/glue/glue-lua-5.3.6.wasm'

export const LUA_IMPORT_MODULE = 'a'
/** Import letter -> the C function behind it. */
export const LUA_IMPORTS = {
  a: 'time',
  b: 'fd_close',
  c: 'setTempRet0',
  d: 'sys_fcntl64',
  e: 'getTempRet0',
  f: 'longjmp',
  g: 'sys_unlink',
  h: 'clock',
  i: 'fd_write',
  j: 'sys_open',
  k: 'fd_read',
  l: 'invoke_vii',
  m: 'resize_heap',
  n: 'fd_seek',
  o: 'sys_lstat64',
  p: 'mktime',
  q: 'sys_rename',
  r: 'sys_rmdir',
  s: 'exit',
  t: 'system',
  u: 'difftime',
  v: 'strftime',
  w: 'localtime_r',
  x: 'gmtime_r',
  y: 'abort',
  z: 'clock_gettime',
  A: 'environ_get',
  B: 'environ_sizes_get',
  C: 'sys_dup2',
  D: 'sys_dup3',
  E: 'sys_ioctl',
  F: 'memcpy_big',
} as const

/** What the host calls -> export letter. */
export const LUA_EXPORTS = {
  memory: 'G',
  callConstructors: 'H',
  setTop: 'J',
  copy: 'L',
  pushValue: 'M',
  toLString: 'Q',
  pcallK: 'Y',
  loadString: '_',
  newState: '$',
  openLibs: 'ga',
  stackSave: 'la',
  stackRestore: 'ma',
  stackAlloc: 'na',
  setThrew: 'oa',
  malloc: 'pa',
  table: 'qa',
} as const

/** End of constants and static variables. The binary puts 5 MiB of stack after them and the heap after that; the host moves both down. */
export const LUA_CONSTANTS_END = 22_896
export const LUA_BINARY_STACK_BYTES = 5 * 1024 * 1024
/** Lua ends a recursion through C after 200 levels, which take less than 1 MiB. */
export const LUA_STACK_BYTES = 2 * 1024 * 1024
/** Index of the global that is the stack pointer. */
export const LUA_STACK_POINTER = 0
/** Where emscripten's `sbrk` keeps the end of the heap. */
export const LUA_HEAP_END_ADDRESS = 18_972

export function readLuaBinary(): Uint8Array {
  const bytes = readFileSync(createRequire(import.meta.url).resolve(PACKAGE_FILE))
  const actual = toHex(sha256(bytes))
  if (actual === LUA_BINARY_SHA256) return bytes
  throw new HeddleError(
    'module-unsupported',
    { module: PACKAGE_FILE, reason: 'unexpected binary' },
    `${PACKAGE_FILE} has the SHA-256 ${actual}, expected ${LUA_BINARY_SHA256}; run npm ci to get the pinned package`,
  )
}
