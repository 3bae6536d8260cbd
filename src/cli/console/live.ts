/**
 * Results of the process as they arrive, whoever caused them: read from where it was, about once a second, sooner while something happens.
 *
 * Wire        GET /heddle/processes/{process}/results?from=<slot>: errors are in there, which GET /results leaves out. Nothing new costs one lookup.
 * Invariants  In the order of slots, each once. A node that does not answer is told once, and once when it is back; a node with fewer slots
 *             than before (a revert) is followed from its end.
 */
import type { ResultRecord } from '../../services/machine/records.ts'
import { type NodeClient, NodeError } from '../client.ts'
import type { ProcessInfo } from '../process-info.ts'

export interface LiveEvents {
  result(record: ResultRecord): void
  /** Called once, with the reason. */
  lost(problem: string): void
  back(): void
}

export interface Live {
  stop(): void
  /** Asks at once. */
  poke(): void
}

export interface LiveOptions {
  readonly node: Pick<NodeClient, 'getJson'>
  readonly process: string
  /** The first slot to tell. */
  readonly from: number
  readonly events: LiveEvents
}

interface Page {
  readonly results: readonly ResultRecord[]
  readonly next: number | null
}

const SOON_MS = 150
const IDLE_MS_MAX = 1_000
const CHECK_EVERY = 10 // polls without anything new, before the slot itself is looked at

export function follow({ node, process, from, events }: LiveOptions): Live {
  let next = from
  let delayMs = SOON_MS
  let idle = 0
  let isLost = false
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  let isAsking = false

  const poll = async (): Promise<void> => {
    const page = await node.getJson<Page>(`/heddle/processes/${process}/results?from=${next}&limit=100`, 'results cannot be read')
    if (isStopped) return
    if (isLost) {
      isLost = false
      events.back()
      idle = CHECK_EVERY - 1 // It may have been taken back meanwhile.
    }
    for (const record of page.results) events.result(record)
    const last = page.results.at(-1)
    if (last !== undefined) next = last.slot + 1
    idle = last === undefined ? idle + 1 : 0
    delayMs = last === undefined ? Math.min(delayMs * 1.5, IDLE_MS_MAX) : SOON_MS
    if (idle > 0 && idle % CHECK_EVERY === 0) await followRevert()
  }
  const followRevert = async (): Promise<void> => {
    const { evaluated } = await node.getJson<ProcessInfo & { readonly evaluated: number }>(
      `/heddle/processes/${process}`,
      'it cannot be read',
    )
    next = Math.min(next, evaluated + 1)
  }
  const turn = async (): Promise<void> => {
    if (isAsking) return
    isAsking = true
    try {
      await poll()
    } catch (error) {
      if (isStopped) return
      delayMs = IDLE_MS_MAX
      if (!isLost) events.lost(error instanceof NodeError ? error.message : String(error))
      isLost = true
    } finally {
      isAsking = false
      if (!isStopped) timer = setTimeout(turn, delayMs)
    }
  }
  timer = setTimeout(turn, SOON_MS)
  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
    poke() {
      clearTimeout(timer)
      delayMs = SOON_MS
      if (!isStopped && !isAsking) timer = setTimeout(turn, 0)
    },
  }
}
