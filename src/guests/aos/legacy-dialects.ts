/**
 * The older kinds of aos modules: names minified to letters (`wasm32-unknown-emscripten`), and names in full (`…emscripten2`, `…emscripten3`).
 *
 * Wire        imports and exports as emscripten 2 and 3.1 named them in the binaries that AO units shipped; the letters below
 * Source      @permaweb/ao-loader 0.0.49, src/formats/emscripten.cjs and emscripten2.cjs: what stands here is what they answer
 * Invariants  `main` makes the interpreter, so it runs once before the first message. Setjmp is kept in TempRet0, which must hold what was put
 *             there. Nothing is remembered on this side: where their loader keeps a note that time zones were set, the guest's memory tells.
 */
import { concat, utf8 } from '../../base/bytes.ts'
import type { FunctionImport } from '../wasm/layout.ts'
import { readMoment, storeMoment } from './calendar.ts'
import { type Dialect, type ExportNames, emscripten } from './dialect.ts'
import type { AosEngine } from './engine.ts'
import type { HostFunction, HostFunctions } from './host-functions.ts'
import { environmentFunctions } from './legacy-environment.ts'

const ERRNO = { notSupported: 52, seekPipe: 70 } as const
/** Of a string of JavaScript's, for which their loaders make room before they know its size in UTF-8. */
const BYTES_PER_UNIT = 4
const ZONE_NAME = 'Coordinated Universal Time'

const LETTER_IMPORTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: '_emscripten_date_now',
    A: '_emscripten_get_now_is_monotonic',
    b: 'setTempRet0',
    B: '_gmtime_js',
    c: 'fd_close',
    C: '_localtime_js',
    d: '__syscall_fcntl64',
    D: 'abort',
    e: '__syscall_unlinkat',
    f: 'fd_write',
    g: '__syscall_openat',
    h: 'getTempRet0',
    i: '_mktime_js',
    j: '_tzset_js',
    k: 'emscripten_memcpy_big',
    l: 'exit',
    m: 'system',
    n: 'strftime',
    o: 'fd_seek',
    p: '_emscripten_throw_longjmp',
    q: 'emscripten_resize_heap',
    r: '__syscall_lstat64',
    s: '__syscall_renameat',
    t: '__syscall_rmdir',
    u: 'environ_get',
    v: 'environ_sizes_get',
    w: '__syscall_dup3',
    x: 'invoke_vii',
    y: 'fd_read',
    z: '__syscall_ioctl',
  }),
)
const LETTER_MODULE = 'a'

const LETTER_EXPORTS: ExportNames = {
  memory: ['E'],
  constructors: ['F'],
  handle: ['G'],
  main: ['H'],
  table: ['I'],
  malloc: ['J'],
  errnoLocation: ['K'],
  setThrew: ['L'],
  stackSave: ['M'],
  stackRestore: ['N'],
  stackAlloc: ['O'],
  start: [],
  stackInit: [],
  stackBase: [],
  stackEnd: [],
  setTempRet0: [],
  sbrk: [],
}

/** `wasm32-unknown-emscripten`. */
export const letters: Dialect = {
  name: 'letters',
  exports: LETTER_EXPORTS,
  importName: ({ module, name }: FunctionImport) => (module === LETTER_MODULE ? (LETTER_IMPORTS.get(name) ?? name) : name),
  imports: (engine) => ({ ...oldFunctions(engine), ...absentFiles() }),
  start(engine) {
    engine.run('constructors')
    engine.run('main', 0, 0)
  },
  stackBytes,
}

/** `wasm32-unknown-emscripten2`. */
export const oldNames: Dialect = {
  name: 'emscripten2',
  exports: emscripten.exports,
  importName: ({ name }) => name,
  imports: (engine) => ({ ...oldFunctions(engine), ...libraryFunctions() }),
  start(engine) {
    engine.run('stackInit')
    engine.run('constructors')
    engine.run('main', 0, 0)
  },
  stackBytes,
}

/** `wasm32-unknown-emscripten3`: as later ones, but `main` runs. */
export const withMain: Dialect = {
  ...emscripten,
  name: 'emscripten3',
  start(engine) {
    engine.run('stackInit')
    engine.run('constructors')
    engine.run('main', 0, 0)
  },
}

function stackBytes(text: string): number {
  return text.length * BYTES_PER_UNIT + 1
}

/** Times are 32 bits and passed by address; there is a small environment; the clock stands at 0. */
function oldFunctions(engine: AosEngine): HostFunctions {
  const { memory } = engine
  return {
    _emscripten_date_now: () => 0,
    emscripten_get_now: () => 0,
    _gmtime_js: (time, moment) => void storeMoment(memory, moment!, memory.readI32(time!), false),
    _localtime_js: (time, moment) => void storeMoment(memory, moment!, memory.readI32(time!), true),
    _mktime_js: (moment) => {
      const year = memory.readI32(moment! + 20)
      const seconds = readMoment(memory, moment!)
      memory.writeI32(moment! + 20, year) // The one field that is left as it was.
      return seconds | 0
    },
    _tzset_js: (offset, isDst, names) => void storeZone(engine, offset!, isDst!, names!),
    ...environmentFunctions(memory),
    system: (command) => {
      if (command === 0) return 0
      memory.writeI32(Number(engine.run('errnoLocation') ?? 0), ERRNO.notSupported)
      return -1
    },
  }
}

/** Their loader of the first kind answers as if every file were there, and then fails to read it. */
function absentFiles(): HostFunctions {
  const zero: HostFunction = () => 0
  const fails: HostFunction = () => ERRNO.notSupported
  return {
    __syscall_dup3: zero,
    __syscall_fcntl64: zero,
    __syscall_ioctl: zero,
    __syscall_lstat64: zero,
    __syscall_openat: zero,
    __syscall_renameat: zero,
    __syscall_rmdir: zero,
    __syscall_unlinkat: zero,
    fd_close: fails,
    fd_read: fails,
    fd_seek: () => ERRNO.seekPipe,
  }
}

/** Loading of other modules is not there, and memory cannot be mapped. */
function libraryFunctions(): HostFunctions {
  return {
    emscripten_get_now: () => Number.NaN,
    emscripten_get_heap_max: () => 524_288_000,
    _dlinit: () => 0,
    _dlopen_js: () => 0,
    _dlsym_js: () => 0,
    _mmap_js: () => -ERRNO.notSupported,
    _munmap_js: () => 0,
  }
}

/** UTC, once: the names are kept in memory of the guest's own. */
function storeZone(engine: AosEngine, offset: number, isDst: number, names: number): void {
  const { memory } = engine
  memory.writeI32(offset, 0)
  memory.writeI32(isDst, 0)
  if (memory.readWord(names) !== 0) return
  const bytes = concat([utf8(ZONE_NAME), new Uint8Array(1)])
  const addresses = [0, 1].map(() => Number(engine.run('malloc', bytes.length) ?? 0) >>> 0)
  for (const [i, address] of addresses.entries()) {
    if (address === 0) return
    memory.slice(address, bytes.length).set(bytes)
    memory.writeWord(names + i * memory.wordBytes, address)
  }
}
