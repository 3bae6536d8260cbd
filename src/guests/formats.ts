/** Which programs can run here, by the `Module-Format` tag of their module. A new kind of guest is one line in this table. */
import { HeddleError } from '../base/errors.ts'
import { AOS_FORMATS } from './aos/aos-formats.ts'
import type { GuestHost, GuestLimits, GuestModule, GuestProgram } from './guest.ts'
import { prepareJsProgram } from './js/js-program.ts'
import { JS_FORMAT } from './js/js-source.ts'
import { luaModule } from './lua/lua-engine.ts'
import { LUA_FORMAT, prepareLuaProgram } from './lua/lua-program.ts'

/** Boots a module once; throws `module-unsupported` when it does not start. */
type PrepareProgram = (module: GuestModule, limits: GuestLimits, host: GuestHost) => GuestProgram

const FORMATS: ReadonlyMap<string, PrepareProgram> = new Map([
  [LUA_FORMAT, prepareLuaProgram],
  [JS_FORMAT, prepareJsProgram],
  ...AOS_FORMATS,
])

export function isSupportedFormat(format: string): boolean {
  return FORMATS.has(format)
}

/** Compiled code that threads can share; making it takes longer than anything else at the start of one. */
export interface SharedCode {
  readonly lua: WebAssembly.Module
}

/** Compiles what programs of the usual formats need, or takes it over, so that the first process does not wait for it. */
export function warmUp(shared: SharedCode | null): SharedCode {
  return { lua: luaModule(shared?.lua) }
}

export function prepareProgram(module: GuestModule, limits: GuestLimits, host: GuestHost): GuestProgram {
  const prepare = FORMATS.get(module.format)
  if (prepare !== undefined) return prepare(module, limits, host)
  const known = [...FORMATS.keys()].join(', ')
  const message = `module ${module.id} has the Module-Format "${module.format}"; this node runs ${known}`
  throw new HeddleError('module-unsupported', { module: module.id, reason: `Module-Format ${module.format}` }, message)
}
