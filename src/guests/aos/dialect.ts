/**
 * How a family of modules spells what it shares with its host, and how its programs are started.
 * The engine knows C's names only; modules with other names bring their own dialect.
 */
import type { FunctionImport } from '../wasm/layout.ts'
import type { AosEngine } from './engine.ts'
import type { HostFunctions } from './host-functions.ts'

/** What the engine may need of a module, and under which names modules have it: the first that is there counts. */
export type ExportNames = Readonly<Record<ExportRole, readonly string[]>>

export const EXPORT_ROLES = [
  'memory',
  'table',
  'handle',
  'constructors',
  'start',
  'main',
  'stackInit',
  'stackBase',
  'stackEnd',
  'stackSave',
  'stackRestore',
  'stackAlloc',
  'setThrew',
  'setTempRet0',
  'sbrk',
  'malloc',
  'errnoLocation',
] as const
export type ExportRole = (typeof EXPORT_ROLES)[number]

export interface Dialect {
  /** Part of what a snapshot says it was made by. */
  readonly name: string
  readonly exports: ExportNames
  /** C's name of an import. */
  importName(imported: FunctionImport): string
  /** Host functions beside the usual ones, by C's names. */
  imports?(engine: AosEngine): HostFunctions
  /** Brings a fresh instance to where it can take messages. */
  start(engine: AosEngine): void
  /** Bytes that its loader reserves on the C stack for text of a size; addresses matter, since Lua hashes them. */
  stackBytes(text: string, sizeBytes: number): number
  /** Where the C stack and the heap lie, when the module does not say. */
  readonly layout?: { readonly stackEnd: number; readonly stackBase: number; readonly heapEndAddress: number }
}

const EMSCRIPTEN_EXPORTS: ExportNames = {
  memory: ['memory'],
  table: ['__indirect_function_table'],
  handle: ['handle'],
  constructors: ['__wasm_call_ctors'],
  start: ['_start'],
  main: ['main'],
  stackInit: ['emscripten_stack_init'],
  stackBase: ['emscripten_stack_get_base'],
  stackEnd: ['emscripten_stack_get_end'],
  stackSave: ['emscripten_stack_get_current', 'stackSave'],
  stackRestore: ['_emscripten_stack_restore', 'stackRestore'],
  stackAlloc: ['_emscripten_stack_alloc', 'stackAlloc'],
  setThrew: ['setThrew'],
  setTempRet0: ['_emscripten_tempret_set'],
  sbrk: ['sbrk'],
  malloc: ['malloc'],
  errnoLocation: ['__errno_location'],
}

/** Modules of emscripten 3 and 4 for aos, 32 and 64 bit, and standalone ones that begin with `_start`. */
export const emscripten: Dialect = {
  name: 'emscripten',
  exports: EMSCRIPTEN_EXPORTS,
  importName: ({ name }) => name,
  start(engine) {
    if (engine.has('start')) engine.runStart()
    else {
      engine.run('constructors')
      engine.run('stackInit')
    }
  },
  stackBytes: (_text, sizeBytes) => sizeBytes + 1,
}
