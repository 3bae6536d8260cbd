/**
 * Plain modules behind the interface that all guests share, so that they run in the workers, are taken back, kept and thawed like any other.
 *
 * Wire        in: {function, parameters, returns?}. Parameters are numbers; text or bytes are put into the module's memory and their address
 *             is passed. No function: nothing happens.
 *             out: Output = {type: 'ok', output: [numbers], types: ['i32' …], undefined-calls: […], printed?}; with `returns: 'text'` the first
 *             result is an address, and Output also has `text`, what stands there up to a zero byte. An i64 beyond 2^53 is decimal text.
 * Source      AO-Core device wasm-64@1.0, permaweb/HyperBEAM src/dev_wasm.erl
 * Invariants  Nothing of the process or the node reaches the module but what the message and the imports hold.
 */
import { concat, toTextStrict, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { GuestFault, type GuestInstance, type GuestLimits, type GuestModule, type GuestProgram, type Reply } from '../guest.ts'
import { unpackSnapshot } from '../snapshot.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import type { ImageBuffer, StateImage } from '../wasm/state-image.ts'
import type { PlainImports } from './plain-imports.ts'
import { PlainInstance } from './plain-instance.ts'
import { admitPlainModule, PLAIN_ENGINE } from './plain-module.ts'
import { type PlainValue, typeName } from './plain-values.ts'
import { WASI_IMPORTS } from './wasi.ts'

/** The device's name; not a Module-Format of AO processes. */
export const PLAIN_FORMAT = 'wasm-64@1.0'

interface Call {
  readonly name: string
  readonly parameters: readonly unknown[]
  readonly returnsText: boolean
}

export function preparePlainProgram(module: GuestModule, limits: GuestLimits, imports: PlainImports = WASI_IMPORTS): GuestProgram {
  const admitted = admitPlainModule(module, limits)
  const { template } = new PlainInstance(admitted, limits, imports)
  const kept: StateImage = { ...template, bytes: template.bytes.slice() }
  const fresh = (): PlainInstance => new PlainInstance(admitted, limits, imports, kept)
  return {
    module: module.id,
    spawn: () => new PlainGuestInstance(fresh(), limits),
    thaw(snapshot) {
      const origin = { module: module.id, format: PLAIN_FORMAT, engine: PLAIN_ENGINE }
      const image = unpackSnapshot(snapshot, origin, limits.memoryBytesMax, kept)
      const [size = 0] = image.anchors
      if (size > limits.memoryBytesMax) throw tooLarge(size, limits.memoryBytesMax)
      const instance = fresh()
      instance.apply(image)
      return new PlainGuestInstance(instance, limits)
    },
  }
}

class PlainGuestInstance implements GuestInstance {
  readonly #instance: PlainInstance
  readonly #limits: GuestLimits

  constructor(instance: PlainInstance, limits: GuestLimits) {
    this.#instance = instance
    this.#limits = limits
  }

  get stateBytes(): number {
    return this.#instance.stateBytes
  }

  get gasUsed(): number {
    return this.#instance.gasUsed
  }

  handle(message: Uint8Array): Reply {
    this.#instance.begin()
    const call = readCall(decodeValue(message))
    const output = call === null ? '' : this.#run(call)
    const nothing = encodeValue([])
    return { values: concat([encodeValue(output), nothing, nothing, nothing, encodeValue(null)]), isError: false }
  }

  capture(buffer: ImageBuffer): StateImage {
    return this.#instance.capture(buffer)
  }

  apply(image: StateImage): void {
    this.#instance.apply(image)
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return this.#instance.snapshot(PLAIN_FORMAT)
  }

  #run({ name, parameters, returnsText }: Call): object {
    const instance = this.#instance
    const types = instance.resultTypes(name) // Before anything is placed: the function may not be there.
    const placed: number[] = []
    const values = parameters.map((value) => {
      if (typeof value !== 'string' && !(value instanceof Uint8Array)) return value
      const address = instance.place(typeof value === 'string' ? utf8(value) : value)
      placed.push(address)
      return address
    })
    const results = instance.call(name, values)
    const text = returnsText ? this.#textAt(results[0]) : null
    for (const address of placed) instance.release(address)
    const { undefinedCalls, printed } = instance
    return {
      type: 'ok',
      output: results.map(wireValue),
      types: types.map(typeName),
      ...(text === null ? {} : { text }),
      'undefined-calls': undefinedCalls.map((call) => ({ ...call, parameters: call.parameters.map(wireValue) })),
      ...(printed.length === 0 ? {} : { printed }),
    }
  }

  #textAt(address: PlainValue | undefined): string | Uint8Array {
    if (address === undefined) throw new GuestFault('error', 'the function gives nothing, so there is no text to return')
    const bytes = this.#instance.memory.cString(Number(address), this.#limits.resultBytesMax)
    return toTextStrict(bytes) ?? bytes.slice()
  }
}

function readCall(message: unknown): Call | null {
  const { function: name, parameters = [], returns } = (message ?? {}) as Record<string, unknown>
  if (name === undefined || name === null) return null
  if (typeof name !== 'string') throw new GuestFault('error', 'the function of a message is its name')
  if (!Array.isArray(parameters)) throw new GuestFault('error', 'the parameters of a message are a list')
  return { name, parameters, returnsText: returns === 'text' }
}

function wireValue(value: PlainValue): PlainValue | string {
  return typeof value === 'bigint' && !Number.isSafeInteger(Number(value)) ? String(value) : value
}

function tooLarge(size: number, max: number): HeddleError<'encoding-invalid'> {
  const text = `the snapshot needs ${size} bytes of memory, a process may have ${max} here`
  return new HeddleError('encoding-invalid', { format: 'guest snapshot', at: 0 }, text)
}
