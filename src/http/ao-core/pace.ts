/**
 * Work on large messages, so that others are served meanwhile.
 *
 * Invariants  Ids of messages within are found from the innermost outwards, a few at a time; they are kept with their messages, so that who asks for the id
 *             of the whole afterwards finds them done.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { AO_CORE_STEP_MS, AO_CORE_STEP_VALUES } from '../../base/limits.ts'
import { linkId } from '../../codec/message/id.ts'
import { isList, isMessage, type Message, type Value } from '../../codec/message/value.ts'

type Container = Message | readonly Value[]

/** Lets others run when what was done since the last time took long. */
export class Pace {
  #sinceMs = performance.now()

  get isDue(): boolean {
    return performance.now() - this.#sinceMs > AO_CORE_STEP_MS
  }

  async rest(): Promise<void> {
    await turn()
    this.#sinceMs = performance.now()
  }
}

/** Null where there is nothing to wait for. */
export function settleIds(message: Message): Promise<void> | null {
  let steps: Container[] | null = null
  for (const [key, value] of message) {
    if (typeof value !== 'object' || key === 'commitments' || !isContainer(value)) continue
    steps ??= []
    for (const step of inSteps(value)) steps.push(step)
  }
  return steps === null ? null : settle(steps)
}

async function settle(steps: readonly Container[]): Promise<void> {
  const pace = new Pace()
  for (const step of steps) {
    linkId(step)
    if (pace.isDue) await pace.rest()
  }
}

/** What to do one after the other, to have done it all with the last: small containers whole, large ones after what is in them. */
export function inSteps(container: Container): Container[] {
  const sizes = new Map<Container, number>()
  const steps: Container[] = []
  if (sizeOf(container, sizes) <= AO_CORE_STEP_VALUES) return [container]
  addSteps(container, sizes, steps)
  return steps
}

function addSteps(container: Container, sizes: ReadonlyMap<Container, number>, steps: Container[]): void {
  if ((sizes.get(container) ?? 0) > AO_CORE_STEP_VALUES) for (const child of childrenOf(container)) addSteps(child, sizes, steps)
  steps.push(container)
}

/** All values in it. */
function sizeOf(container: Container, sizes: Map<Container, number>): number {
  let size = isMessage(container) ? container.size : container.length
  for (const child of childrenOf(container)) size += sizeOf(child, sizes)
  sizes.set(container, size)
  return size
}

function* childrenOf(container: Container): Generator<Container> {
  for (const [key, value] of container.entries()) if (typeof value === 'object' && key !== 'commitments' && isContainer(value)) yield value
}

function isContainer(value: Value): value is Container {
  return isMessage(value) || isList(value)
}
