/**
 * What the host must know of an aos module before it runs: the width of its addresses, its imports with their types, its exports, and
 * which global is its stack pointer.
 *
 * Invariants  The memory section decides between 32 and 64 bits, whatever the Module-Format says. A module that lacks what a host needs, or
 *             asks for what it does not have, is refused here, with names.
 */
import { WasmCursor } from '../wasm/cursor.ts'
import { OP, readInstruction, skipType } from '../wasm/instructions.ts'
import { readLayout, SECTION, type WasmLayout } from '../wasm/layout.ts'
import { type Dialect, EXPORT_ROLES, type ExportRole } from './dialect.ts'

export interface ModuleShape {
  readonly layout: WasmLayout
  readonly is64: boolean
  /** The names of the exports for each role that is there. */
  readonly exports: Readonly<Partial<Record<ExportRole, string>>>
  /** Index of the global; null when it cannot be told. */
  readonly stackPointer: number | null
}

const KIND = { function: 0, table: 1, memory: 2 } as const
const GLOBAL_GET = 0x23

interface Export {
  readonly kind: number
  readonly index: number
}

export function readShape(bytes: Uint8Array, module: string, dialect: Dialect): ModuleShape {
  const layout = readLayout(bytes, module)
  const all = readExports(layout)
  const exports: Partial<Record<ExportRole, string>> = {}
  for (const role of EXPORT_ROLES) {
    const kind = role === 'memory' ? KIND.memory : role === 'table' ? KIND.table : KIND.function
    const name = dialect.exports[role].find((candidate) => all.get(candidate)?.kind === kind)
    if (name !== undefined) exports[role] = name
  }
  for (const role of ['memory', 'handle'] as const)
    if (exports[role] === undefined)
      throw layout.refuse(`it exports no ${dialect.exports[role].join(' or ')}, so it is no program that takes messages`)
  if (exports.stackAlloc === undefined || exports.stackSave === undefined || exports.stackRestore === undefined)
    throw layout.refuse(`it does not export its stack (${dialect.exports.stackAlloc.join(' or ')}), where messages are put`)
  checkHandle(layout, all.get(exports.handle!)!)
  return { layout, is64: layout.memories[0]?.is64 ?? false, exports, stackPointer: findStackPointer(layout, all.get(exports.stackSave)!) }
}

function readExports(layout: WasmLayout): ReadonlyMap<string, Export> {
  const found = new Map<string, Export>()
  eachEntry(layout, SECTION.export, (section) => found.set(section.name(), { kind: section.byte(), index: section.u32() }))
  return found
}

function checkHandle(layout: WasmLayout, { index }: Export): void {
  const type = layout.types[layout.functionTypes[index - layout.functionImports.length] ?? -1]
  if (type?.params.length !== 2 || type.results.length !== 1) throw layout.refuse('its handle does not take a message and an environment')
}

/** From the function that gives it, whose last instruction is `global.get`. */
function findStackPointer(layout: WasmLayout, { index }: Export): number | null {
  let found: number | null = null
  let at = layout.functionImports.length
  eachEntry(layout, SECTION.code, (section) => {
    const body = section.slice(section.u32())
    if (at++ === index) found = lastGlobalRead(body)
  })
  return found !== null && layout.globals[found]?.isMutable === true ? found : null
}

function lastGlobalRead(body: WasmCursor): number | null {
  for (let groups = body.u32(); groups > 0; groups--) {
    body.u32()
    skipType(body)
  }
  let global: number | null = null
  while (!body.isAtEnd) {
    const from = body.at
    const opcode = readInstruction(body)
    if (opcode === GLOBAL_GET) global = new WasmCursor(body.bytes, '', from + 1, body.end).u32()
    else if (opcode !== OP.end) global = null
  }
  return global
}

function eachEntry(layout: WasmLayout, id: number, read: (section: WasmCursor) => void): void {
  const section = layout.sections.get(id)
  if (section === undefined) return
  const start = section.at
  for (let left = section.u32(); left > 0; left--) read(section)
  section.at = start
}
