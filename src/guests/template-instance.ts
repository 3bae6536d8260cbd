/** Instances of programs that are started once, in a template, and copied for every process: Lua and JavaScript. */
import { HeddleError } from '../base/errors.ts'
import { GuestFault, type GuestInstance, type Reply } from './guest.ts'
import { packSnapshot, type SnapshotOrigin } from './snapshot.ts'
import { ImageBuffer, type StateImage } from './wasm/state-image.ts'

/** An interpreter with one program in it. */
export type GuestMachine = Pick<GuestInstance, 'gasUsed' | 'stateBytes' | 'capture' | 'apply'>

export interface TemplateOrigin {
  readonly origin: SnapshotOrigin
  /** What the module is right after it has started. */
  readonly template: StateImage
}

export class TemplateInstance implements GuestInstance {
  readonly #machine: GuestMachine
  readonly #from: TemplateOrigin
  readonly handle: (message: Uint8Array) => Reply

  constructor(machine: GuestMachine, from: TemplateOrigin, handle: (message: Uint8Array) => Reply) {
    this.#machine = machine
    this.#from = from
    this.handle = handle
  }

  get gasUsed(): number {
    return this.#machine.gasUsed
  }

  get stateBytes(): number {
    return this.#machine.stateBytes
  }

  capture(buffer: ImageBuffer): StateImage {
    return this.#machine.capture(buffer)
  }

  apply(image: StateImage): void {
    this.#machine.apply(image)
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return packSnapshot(this.#from.origin, this.#machine.capture(new ImageBuffer()), this.#from.template)
  }
}

/** A start-up step: what fails here is the module's fault. */
export function started<T>(module: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error
    const message = `module ${module} does not start: ${error.message}`
    throw new HeddleError('module-unsupported', { module, reason: error.message }, message, { cause: error })
  }
}
