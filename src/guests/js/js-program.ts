/**
 * Programs of the module format `heddle-js-1`: one ES module, or a few that import each other; TypeScript once its types are stripped.
 *
 * Invariants  The module runs once, in a template; each process is a copy of it that is then told its environment and the seed of
 *             Math.random. Nothing but the process id, the messages and the module decides what a process computes.
 *             What is in memory between messages is the state: variables, and also handlers that wait for an answer.
 */
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import {
  type GuestEnv,
  GuestFault,
  type GuestInstance,
  type GuestLimits,
  type GuestModule,
  type GuestProgram,
  type Reply,
} from '../guest.ts'
import { packSnapshot, type SnapshotOrigin, unpackSnapshot } from '../snapshot.ts'
import { METER_VERSION } from '../wasm/meter.ts'
import { ImageBuffer, type StateImage } from '../wasm/state-image.ts'
import { JS_BINARY_SHA256 } from './js-binary.ts'
import { JsMachine } from './js-machine.ts'
import { JS_FORMAT, type JsSource, ownSource, readJsSource } from './js-source.ts'

export function prepareJsProgram(module: GuestModule, limits: GuestLimits): GuestProgram {
  const source = readJsSource(module)
  const engine = `quickjs-ng:${JS_BINARY_SHA256.slice(0, 16)}:meter-${METER_VERSION}:prelude-${ownSource().version}`
  const origin = { module: module.id, format: JS_FORMAT, engine }
  const machine = new JsMachine(source, limits)
  starting(module.id, () => machine.start())
  const template = machine.capture(new ImageBuffer())
  const from = (image: StateImage): JsInstance => new JsInstance(source, limits, { origin, template, image })
  return {
    module: module.id,
    spawn(process, env) {
      const instance = from(template)
      instance.identify(module.id, process, env)
      return instance
    },
    thaw: (snapshot) => from(unpackSnapshot(snapshot, origin, limits.memoryBytesMax, template)),
  }
}

/** Loads a program as a process would, for its errors: throws GuestFault when it does not start. Its files are asked for on the way. */
export function tryJsSource(source: JsSource, limits: GuestLimits): void {
  new JsMachine(source, limits).start()
}

/** A start-up step: what fails here is the module's fault. */
function starting(module: TxId, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error
    const message = `module ${module} does not start: ${error.message}`
    throw new HeddleError('module-unsupported', { module, reason: error.message }, message, { cause: error })
  }
}

interface JsBirth {
  readonly origin: SnapshotOrigin
  /** What the module is right after it has started. */
  readonly template: StateImage
  readonly image: StateImage
}

class JsInstance implements GuestInstance {
  readonly #machine: JsMachine
  readonly #origin: SnapshotOrigin
  readonly #template: StateImage

  constructor(source: JsSource, limits: GuestLimits, { origin, template, image }: JsBirth) {
    this.#origin = origin
    this.#template = template
    this.#machine = new JsMachine(source, limits)
    this.#machine.apply(image)
  }

  get gasUsed(): number {
    return this.#machine.gasUsed
  }

  get stateBytes(): number {
    return this.#machine.stateBytes
  }

  identify(module: TxId, process: TxId, env: GuestEnv): void {
    starting(module, () => this.#machine.identify(process, env))
  }

  handle(message: Uint8Array): Reply {
    return this.#machine.handle(message)
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
}
