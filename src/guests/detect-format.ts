/**
 * The Module-Format of a WebAssembly module, told from its bytes.
 *
 * Source      modules of every format that AO units shipped: the width of addresses, and how emscripten named imports and exports when they were made
 * Invariants  What comes out has been booted here. Formats that meter differ from their plain ones in nothing that a module has, so they are never
 *             guessed: whoever wants one says so.
 */
import { errorText, HeddleError } from '../base/errors.ts'
import { GUEST_GAS_MAX, GUEST_MEMORY_BYTES_MAX, RESULT_BYTES_MAX } from '../base/limits.ts'
import { prepareProgram } from './formats.ts'
import type { GuestHost, GuestModule } from './guest.ts'
import { readLayout, SECTION } from './wasm/layout.ts'

const WASM = [0x00, 0x61, 0x73, 0x6d]
const WASM64 = ['wasm64-unknown-emscripten-draft_2024_02_15']
const LIMITS = { memoryBytesMax: GUEST_MEMORY_BYTES_MAX, gasMax: GUEST_GAS_MAX, resultBytesMax: RESULT_BYTES_MAX }
const NO_FILES: GuestHost = { files: { open: () => null, read: () => new Uint8Array(0) } }

export function isWasm(bytes: Uint8Array): boolean {
  return WASM.every((byte, i) => bytes[i] === byte)
}

/** Throws `module-unsupported` when no guest can run it. */
export function detectFormat(module: Omit<GuestModule, 'format'>): string {
  const problems: string[] = []
  for (const format of likelyFormats(module)) {
    try {
      bootModule({ ...module, format })
      return format
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error
      problems.push(`as ${format}: ${error.message}`)
    }
  }
  throw new HeddleError('module-unsupported', { module: module.id, reason: 'no format' }, `no guest can run it: ${problems.join('; ')}`)
}

/** Starts the module once, as a node does before its first process. Throws `module-unsupported` when it does not start. */
export function bootModule(module: GuestModule): void {
  try {
    prepareProgram(module, LIMITS, NO_FILES)
  } catch (error) {
    if (error instanceof HeddleError) throw error
    throw new HeddleError('module-unsupported', { module: module.id, reason: errorText(error) }, errorText(error), { cause: error })
  }
}

/** The likeliest first. */
function likelyFormats({ id, bytes }: Omit<GuestModule, 'format'>): readonly string[] {
  const layout = readLayout(bytes, id)
  if (layout.memories[0]?.is64 === true) return WASM64
  const exported = new Set<string>()
  const section = layout.sections.get(SECTION.export)
  if (section !== undefined) {
    const start = section.at
    for (let left = section.u32(); left > 0; left--) {
      exported.add(section.name())
      section.byte()
      section.u32()
    }
    section.at = start
  }
  const imported = new Set(layout.functionImports.map(({ name }) => name))
  if (!exported.has('handle')) return ['wasm32-unknown-emscripten']
  if (imported.has('emscripten_memcpy_big') || imported.has('setTempRet0')) return numbered(2, 3, 4)
  return exported.has('_emscripten_stack_alloc') ? numbered(4, 3, 2) : numbered(3, 2, 4)
}

function numbered(...versions: readonly number[]): string[] {
  return versions.map((version) => `wasm32-unknown-emscripten${version}`)
}
