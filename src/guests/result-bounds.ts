/**
 * How many values a result may hold. Bytes alone do not bound them: a value of a byte or two takes some sixty once it is an object, here and in
 * the main thread, whose memory all processes share.
 *
 * Invariants  Too many values are the program's fault, alike on every node, and are found before the message counts as done.
 */
import { RESULT_VALUES_MAX } from '../base/limits.ts'
import { GuestFault, type GuestInstance } from './guest.ts'
import { KIND } from './value-codec.ts'

/** The same instance with another way to handle a message. */
export function withHandle(instance: GuestInstance, handle: GuestInstance['handle']): GuestInstance {
  return {
    get stateBytes() {
      return instance.stateBytes
    },
    get gasUsed() {
      return instance.gasUsed
    },
    get unitsUsed() {
      return instance.unitsUsed
    },
    handle,
    capture: (buffer) => instance.capture(buffer),
    apply: (image) => instance.apply(image),
    snapshot: () => instance.snapshot(),
    ...(instance.memory === undefined ? {} : { memory: () => instance.memory!() }),
    ...(instance.close === undefined ? {} : { close: () => instance.close!() }),
  }
}

export function boundResults(instance: GuestInstance): GuestInstance {
  return withHandle(instance, (message) => {
    const reply = instance.handle(message)
    const { values } = reply
    if (values.length > RESULT_VALUES_MAX && countValues(values) > RESULT_VALUES_MAX)
      throw new GuestFault('error', `a result may hold ${RESULT_VALUES_MAX} values, this one holds more; send them as text`)
    return reply
  })
}

/** Of everything that is encoded one after the other, those inside of others included. Of what is cut short, as far as it goes. */
export function countValues(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let count = 0
  const size = (): number => {
    at += 4
    return at > bytes.length ? 0 : view.getUint32(at - 4, true)
  }
  const skipText = (): void => {
    const skipped = size()
    at += skipped
  }
  /** How many values are still to come, of each map or list around: with a map, a key goes before each. */
  const left: number[] = []
  const areMaps: boolean[] = []
  while (at < bytes.length) {
    while (left.length > 0 && left.at(-1) === 0) {
      left.pop()
      areMaps.pop()
    }
    if (left.length > 0) {
      left[left.length - 1]! -= 1
      if (areMaps.at(-1) === true) skipText()
    }
    count += 1
    const kind = bytes[at++]
    if (kind === KIND.integer || kind === KIND.float) at += 8
    else if (kind === KIND.string) skipText()
    else if (kind === KIND.list || kind === KIND.map) {
      left.push(size())
      areMaps.push(kind === KIND.map)
    } else if (kind === KIND.tag || kind === KIND.tags) {
      const tags = kind === KIND.tag ? 1 : size()
      count += tags * 2
      for (let i = 0; i < tags * 2; i++) skipText()
    }
  }
  return count
}
