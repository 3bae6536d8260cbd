/**
 * Programs that are aos modules, or any module with their interface: JSON in, JSON out, state in linear memory.
 *
 * Invariants  A module is started once, in a template; each process is a copy of it. What aos then does with its first message is the
 *             process's own: Lua hashes addresses that depend on that message, so nothing can be done ahead of it.
 *             Instances go from one process to the next: their memory is overwritten by the state of the next one, entirely. One whose memory
 *             has grown beyond that of a state cannot become that state, since a memory never shrinks, and is replaced.
 */
import { LRUCache } from 'lru-cache'
import { GUEST_GAS_MAX, GUEST_MEMORY_BYTES_MAX, RESULT_BYTES_MAX } from '../../base/limits.ts'
import {
  type GuestEnv,
  GuestFault,
  type GuestHost,
  type GuestInstance,
  type GuestLimits,
  type GuestModule,
  type GuestProgram,
  type Reply,
} from '../guest.ts'
import { noFiles } from '../host-files.ts'
import { packSnapshot, readSnapshotHeader, type SnapshotOrigin, unpackSnapshot } from '../snapshot.ts'
import { METER_VERSION } from '../wasm/meter.ts'
import { ImageBuffer, type StateImage } from '../wasm/state-image.ts'
import { BootTemplates, shapeOfMessage } from './boot-template.ts'
import { type CompiledModule, type CompileOptions, compileModule } from './compile.ts'
import { type Dialect, emscripten } from './dialect.ts'
import { AosEngine } from './engine.ts'
import { messageJson, readReply, valueJson } from './messages.ts'

/** Raised when a change of the host changes what a module computes, or what its state looks like. */
const HOST_VERSION = 1
/** In place of the shape of a first message that is still to come. */
const NOT_BOOTED = ''
/** A process that ran more has little in common with one that has just begun. */
const YOUNG_MESSAGES_MAX = 64
const ENGINES_SPARE_MAX = 8
const COMPILED_MAX = 16
/** What the states are made with that snapshots are kept as differences to: the same everywhere. */
const TEMPLATE_LIMITS: GuestLimits = {
  memoryBytesMax: GUEST_MEMORY_BYTES_MAX,
  gasMax: GUEST_GAS_MAX,
  resultBytesMax: RESULT_BYTES_MAX,
}

export interface AosFormat {
  readonly dialect: Dialect
  readonly legacyGas?: CompileOptions['legacyGas']
}

/** Compiling takes longer than all else, and the same module comes with other limits. */
const compiledModules = new LRUCache<string, CompiledModule>({ max: COMPILED_MAX })

export function prepareAosProgram(
  module: GuestModule,
  limits: GuestLimits,
  host: GuestHost,
  format: AosFormat = { dialect: emscripten },
): GuestProgram {
  const compiled = compiledOf(module, limits, format)
  const engines = new Engines(compiled, limits, host)
  const started = engines.startImage()
  const origin = { module: module.id, format: module.format, engine: `aos-${HOST_VERSION}:${format.dialect.name}:meter-${METER_VERSION}` }
  const nobody = once(() => {
    const engines = new Engines(compiled, TEMPLATE_LIMITS, { files: noFiles })
    return { engines, started: engines.startImage() }
  })
  const templates = new BootTemplates((message, env) => bootImage(nobody(), message, env))
  const from = (image: StateImage, env: GuestEnv, bootShape: string | null): AosInstance => {
    const instance = new AosInstance({ engines, origin, templates, env, envJson: valueJson(env), bootShape })
    instance.apply(image)
    return instance
  }
  return {
    module: module.id,
    spawn: (_process, env) => from(started, env, NOT_BOOTED),
    thaw(snapshot, env) {
      const image = unpackSnapshot(snapshot, origin, GUEST_MEMORY_BYTES_MAX, (name) => templates.find(name, env))
      return from(image, env, readSnapshotHeader(snapshot).baseName ?? null)
    },
    adopt(memory, env) {
      const engine = engines.take(started)
      engine.apply(started)
      engine.adopt(memory)
      return new AosInstance({ engines, origin, templates, env, envJson: valueJson(env), bootShape: null }, engine)
    },
  }
}

/** Most modules ask their host for memory: one code then serves all limits. */
function compiledOf(module: GuestModule, limits: GuestLimits, { dialect, legacyGas }: AosFormat): CompiledModule {
  const compiled = (memoryBytesMax: number): CompiledModule => {
    const key = [module.id, dialect.name, legacyGas ?? '', memoryBytesMax].join(' ')
    const known = compiledModules.get(key)
    if (known !== undefined) return known
    const made = compileModule(module, { dialect, memoryBytesMax, ...(legacyGas === undefined ? {} : { legacyGas }) })
    compiledModules.set(key, made)
    return made
  }
  const common = compiled(GUEST_MEMORY_BYTES_MAX)
  return common.growsMemory ? compiled(Math.max(limits.memoryBytesMax, common.memoryBytesMin)) : common
}

/** The instances of a program that no process has at the moment, and new ones. */
class Engines {
  readonly #compiled: CompiledModule
  readonly #limits: GuestLimits
  readonly #host: GuestHost
  readonly #spare: AosEngine[] = []
  #started: StateImage | null = null

  constructor(compiled: CompiledModule, limits: GuestLimits, host: GuestHost) {
    this.#compiled = compiled
    this.#limits = limits
    this.#host = host
  }

  /** The state of an instance that has just been started. */
  startImage(): StateImage {
    const engine = this.#start()
    this.#started = engine.capture(new ImageBuffer())
    this.#spare.push(engine)
    return this.#started
  }

  /** One that can become the image; the caller makes it so. */
  take(image: StateImage): AosEngine {
    const at = this.#spare.findLastIndex((engine) => engine.canApply(image))
    return at < 0 ? this.#start() : this.#spare.splice(at, 1)[0]!
  }

  /** One that has grown would be of use to few. */
  give(engine: AosEngine): void {
    const isUseful = this.#started !== null && engine.canApply(this.#started)
    if (isUseful && this.#spare.length < ENGINES_SPARE_MAX) this.#spare.push(engine)
  }

  #start(): AosEngine {
    const engine = new AosEngine(this.#compiled, this.#limits, this.#host)
    engine.start()
    return engine
  }
}

interface InstanceParts {
  readonly engines: Engines
  readonly origin: SnapshotOrigin
  readonly templates: BootTemplates
  readonly env: GuestEnv
  /** Goes along with each message. */
  readonly envJson: string
  /** Of the first message; NOT_BOOTED when it is still to come, null when it does not matter any more. */
  readonly bootShape: string | null
}

class AosInstance implements GuestInstance {
  readonly #parts: InstanceParts
  #engine: AosEngine | null
  #bootShape: string | null
  /** Messages that it has run here, also those that were taken back: a guess at how far it is from its beginning. */
  #messages = 0

  constructor(parts: InstanceParts, engine: AosEngine | null = null) {
    this.#parts = parts
    this.#engine = engine
    this.#bootShape = parts.bootShape
  }

  get stateBytes(): number {
    return this.#live.stateBytes
  }

  get gasUsed(): number {
    return this.#live.gasUsed
  }

  get unitsUsed(): number {
    return this.#live.unitsUsed
  }

  handle(message: Uint8Array): Reply {
    const json = messageJson(message)
    const reply = readReply(this.#live.exchange(json, this.#parts.envJson))
    this.#messages += 1
    if (this.#bootShape === NOT_BOOTED && !reply.isError) this.#bootShape = shapeOfMessage(json)
    if (this.#live.isBloated) this.apply(this.capture(new ImageBuffer()))
    return reply
  }

  capture(buffer: ImageBuffer): StateImage {
    return this.#live.capture(buffer)
  }

  apply(image: StateImage): void {
    if (this.#engine?.canApply(image) !== true) this.#engine = this.#parts.engines.take(image)
    this.#engine.apply(image)
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    const { origin, templates, env } = this.#parts
    const shape = this.#messages > YOUNG_MESSAGES_MAX ? null : this.#bootShape
    const template = shape === null || shape === NOT_BOOTED ? null : templates.find(shape, env)
    return packSnapshot(origin, this.capture(new ImageBuffer()), template, shape ?? '')
  }

  memory(): Uint8Array<ArrayBuffer> {
    return this.#live.memory.bytes.slice()
  }

  close(): void {
    if (this.#engine !== null) this.#parts.engines.give(this.#engine)
    this.#engine = null
  }

  get #live(): AosEngine {
    if (this.#engine === null) throw new Error('the instance was closed')
    return this.#engine
  }
}

/** The state after a first message. Null when the module does not take it. */
function bootImage(
  { engines, started }: { readonly engines: Engines; readonly started: StateImage },
  message: string,
  env: string,
): StateImage | null {
  const engine = engines.take(started)
  engine.apply(started)
  try {
    readReply(engine.exchange(message, env))
    return engine.capture(new ImageBuffer())
  } catch (error) {
    if (error instanceof GuestFault) return null
    throw error
  } finally {
    engines.give(engine)
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
