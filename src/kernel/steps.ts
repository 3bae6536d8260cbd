/** What a path is made of before it is resolved. Only the kernel and what parses paths for it see these; they never are values of a message at rest. */
import type { Value } from '../codec/message/value.ts'

/** A device cast, `part~device@1.0&k=v` in a path. With a `path` that is an id, the message of that id takes the device and the other keys. */
export class Cast {
  readonly device: string
  readonly message: StepMessage
  constructor(device: string, message: StepMessage) {
    this.device = device
    this.message = message
  }
}

/** Steps to resolve on their own, whose result stands here: `(/a/b)` in a path or in a value. */
export class Steps {
  readonly steps: readonly Step[]
  constructor(steps: readonly Step[]) {
    this.steps = steps
  }
}

/** A message some of whose values may have to be resolved first. */
export type StepMessage = ReadonlyMap<string, Value | Steps>

/** The first of a sequence is the base (a text is an id there); each further one is a request upon the result of those before it. */
export type Step = string | StepMessage | Cast | Steps
