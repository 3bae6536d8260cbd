/**
 * Modules of `lua@5.3a`: Lua 5.3 sources whose global functions AO-Core calls by name, and which may ask the host in the middle of a call.
 *
 * Source      permaweb/HyperBEAM src/dev_lua.erl (modules in one state, sandbox, calls), src/dev_lua_lib.erl (the `ao` table)
 * Invariants  All sources run once, in order, in a template; every instance is a copy of it. Nothing but the sources, the seed, the calls and
 *             the answers decides what an instance computes. What the sandbox names is replaced after the sources have run, as upstream does.
 */
import { concat, toBase64url, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { AO_REQUEST_GAS, VALUE_DEPTH_MAX } from '../../base/limits.ts'
import type { GuestLimits } from '../guest.ts'
import { packSnapshot, type SnapshotOrigin, unpackSnapshot } from '../snapshot.ts'
import { started } from '../template-instance.ts'
import { encodeValue } from '../value-codec.ts'
import { ImageBuffer, type StateImage } from '../wasm/state-image.ts'
import { decodeAoValues, type LuaMap, type LuaValue, sized } from './ao-values.ts'
import { LUA_ENGINE, LuaMachine } from './lua-machine.ts'
import { OP, preludeSource, REPLY } from './prelude.ts'

export const AO_LUA_FORMAT = 'lua@5.3a'

export interface AoModule {
  /** Stands in error texts and traces, before the line. */
  readonly name: string
  readonly source: Uint8Array
}

/** `true` for what upstream takes away; a list of names such as `os.exit` or `['os', 'exit']`; a map from names to what stands there then. */
export type AoSandbox = boolean | readonly (string | readonly string[])[] | LuaMap

export interface AoSettings {
  readonly sandbox?: AoSandbox
  /** `pairs` and `next` go through keys in the order of HyperBEAM's engine; on unless told. */
  readonly hasLuerlOrder?: boolean
}

export interface AoProgram {
  /** Equal sources and settings have equal ids. */
  readonly id: string
  /** A fresh state; `seed` decides what math.random gives. */
  spawn(seed: string): AoInstance
  thaw(snapshot: Uint8Array): AoInstance
}

/** What became of a call so far; payloads are read by ao-values.ts. */
export interface AoStep {
  readonly kind: 'done' | 'request' | 'fault'
  readonly payload: Uint8Array
}

const SANDBOXED = 'sandboxed'
const SANDBOX_DEFAULT = [
  ...['io', 'file', 'os.execute', 'os.exit', 'os.getenv', 'os.remove', 'os.rename', 'os.tmpname'],
  ...['package', 'loadfile', 'require', 'dofile', 'load', 'loadstring'],
]

/** Boots the modules once; throws `module-unsupported` when one does not start. */
export function prepareAoProgram(modules: readonly AoModule[], limits: GuestLimits, settings: AoSettings = {}): AoProgram {
  const { sandbox = false, hasLuerlOrder = true } = settings
  const rules = sandboxRules(sandbox)
  const id = programId(modules, rules, hasLuerlOrder)
  const prelude = preludeSource({ kind: 'ao', hasLuerlOrder }, { resultBytesMax: limits.resultBytesMax, depthMax: VALUE_DEPTH_MAX })
  const machine = new LuaMachine(limits)
  machine.boot(prelude)
  for (const { name, source } of modules)
    started(name, () => machine.call(OP.loadNamed, concat([sized(utf8(name)), source]), { isLarge: true }))
  const template = machine.capture(new ImageBuffer())
  const origin = { module: id, format: AO_LUA_FORMAT, engine: LUA_ENGINE }
  const from = (image: StateImage): AoInstance => new AoInstance(limits, { origin, template, image })
  return {
    id,
    spawn(seed) {
      const instance = from(template)
      instance.install(seed, rules)
      return instance
    },
    thaw: (snapshot) => from(unpackSnapshot(snapshot, origin, limits.memoryBytesMax, template)),
  }
}

interface AoBirth {
  readonly origin: SnapshotOrigin
  readonly template: StateImage
  readonly image: StateImage
}

/** One Lua state between and during calls; ao-session.ts takes back what failed calls leave behind. */
export class AoInstance {
  readonly #machine: LuaMachine
  readonly #limits: GuestLimits
  readonly #origin: SnapshotOrigin
  readonly #template: StateImage
  #gasLeft = 0

  constructor(limits: GuestLimits, { origin, template, image }: AoBirth) {
    this.#limits = limits
    this.#origin = origin
    this.#template = template
    this.#machine = new LuaMachine(limits)
    this.#machine.apply(image)
  }

  get stateBytes(): number {
    return this.#machine.stateBytes
  }

  /** Gas of the call so far. */
  get gasUsed(): number {
    return this.#limits.gasMax - this.#gasLeft
  }

  install(seed: string, sandbox: readonly SandboxRule[]): void {
    const number = new DataView(sha256(utf8(seed)).buffer).getUint32(0, true)
    this.#machine.call(OP.install, encodeValue({ seed: number, sandbox }))
  }

  /** Starts a call: see `encodeAoCall`. Throws GuestFault when it ended in a way that is no error of Lua. */
  begin(call: Uint8Array): AoStep {
    this.#gasLeft = this.#limits.gasMax
    return this.#step(OP.begin, call)
  }

  /** Goes on with what the host answers: see `encodeAoAnswer`. */
  resume(answer: Uint8Array): AoStep {
    this.#gasLeft = Math.max(this.#gasLeft - AO_REQUEST_GAS, 0)
    return this.#step(OP.resume, answer)
  }

  /** Names of all global functions, sorted. */
  functions(): readonly string[] {
    const [names] = decodeAoValues(this.#machine.call(OP.functions, new Uint8Array(0)).subarray(1))
    return (names as readonly LuaValue[]).map(String)
  }

  capture(buffer: ImageBuffer): StateImage {
    return this.#machine.capture(buffer)
  }

  apply(image: StateImage): void {
    this.#machine.apply(image)
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return packSnapshot(this.#origin, this.#machine.capture(new ImageBuffer()), this.#template)
  }

  #step(op: number, input: Uint8Array): AoStep {
    try {
      const reply = this.#machine.call(op, input, { gas: this.#gasLeft })
      const kind = reply[0] === REPLY.request ? 'request' : reply[0] === REPLY.fault ? 'fault' : 'done'
      return { kind, payload: reply.subarray(1) }
    } finally {
      this.#gasLeft -= this.#machine.gasUsed
    }
  }
}

interface SandboxRule {
  readonly path: readonly string[]
  readonly value: LuaValue
}

function sandboxRules(sandbox: AoSandbox): readonly SandboxRule[] {
  if (sandbox === false) return []
  if (sandbox === true) return sandboxRules(SANDBOX_DEFAULT)
  const entries = Array.isArray(sandbox)
    ? sandbox.map((path: string | readonly string[]) => [path, SANDBOXED] as const)
    : Object.entries(sandbox as LuaMap)
  return entries.map(([path, value]) => ({ path: sandboxPath(path), value: value ?? null }))
}

/** `_G` in front means nothing. */
function sandboxPath(given: string | readonly string[]): readonly string[] {
  const parts = typeof given === 'string' ? given.split(/[./]/) : given
  const path = parts[0] === '_G' ? parts.slice(1) : parts
  if (path.length > 0 && path.every((part) => typeof part === 'string' && part !== '')) return path
  throw new HeddleError('request-invalid', { field: 'sandbox' }, `"${String(given)}" names no global; write it as os.exit or os/exit`)
}

function programId(modules: readonly AoModule[], rules: readonly SandboxRule[], hasLuerlOrder: boolean): string {
  const parts = modules.flatMap(({ name, source }) => [sized(utf8(name)), sized(source)])
  const settings = encodeValue({ rules, hasLuerlOrder })
  return toBase64url(sha256(concat([...parts, settings])))
}
