/** The log of a process as the scheduler's pages tell it. */
import type { TextTag } from '../../../src/codec/tags.ts'

export interface LogMessage {
  readonly id: string
  readonly tags: readonly TextTag[]
  readonly data: string | null
  readonly anchor: string | null
  readonly target: string | null
}

export interface LogSlot {
  readonly slot: number
  /** Null for what is no message of the process: ticks, and what was assigned to it. */
  readonly message: LogMessage | null
  readonly assignment: { readonly id: string; readonly tags: readonly TextTag[] }
}

interface Page {
  readonly page_info: { readonly has_next_page: boolean }
  readonly edges: readonly { readonly node: Omit<LogSlot, 'slot'>; readonly cursor: string }[]
}

const QUIET_MS = 300
const ARRIVAL_MS_MAX = 30_000

/** Page by page, by nonce or by time; throws unless slots have neither gap nor repeat. */
export async function logOf(url: string, process: string, { limit = 100, by = 'nonce' } = {}): Promise<LogSlot[]> {
  const [name, first] = by === 'nonce' ? ['from-nonce', '-1'] : ['from', '']
  const found: LogSlot[] = []
  for (let from = first, more = true; more; ) {
    const start = from === '' ? '' : `&${name}=${from}`
    const response = await fetch(`${url}/${process}?process-id=${process}&limit=${limit}${start}`)
    const { edges, page_info } = (await response.json()) as Page
    for (const { node } of edges) {
      const slot = Number(tagOf(node.assignment.tags, 'Nonce'))
      if (slot !== found.length) throw new Error(`after slot ${found.length - 1} of ${process} comes ${slot}`)
      found.push({ slot, ...node })
    }
    from = edges.at(-1)?.cursor ?? from
    more = page_info.has_next_page
  }
  return found
}

export function tagOf(tags: readonly TextTag[], name: string): string | undefined {
  return tags.find((tag) => tag.name === name)?.value
}

/** The same log once it has so many slots and no more come for a while: pushes take their slots after the result that sent them. */
export async function settledLog(url: string, process: string, atLeast: number): Promise<LogSlot[]> {
  const deadline = Date.now() + ARRIVAL_MS_MAX
  for (let log = await logOf(url, process); ; ) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
    const now = await logOf(url, process)
    if (now.length === log.length && now.length >= atLeast) return now
    if (Date.now() > deadline)
      throw new Error(`${now.length} slots of ${process} after ${ARRIVAL_MS_MAX} ms, ${atLeast} and then silence were awaited`)
    log = now
  }
}
