/** What `heddle verify` reads, over a node's HTTP API. Pages are fetched one ahead. */
import { fromBase64url, toText } from '../base/bytes.ts'
import type { TxId } from '../base/ids.ts'
import { parseTransactionJson } from '../codec/transaction.ts'
import { GuestFault } from '../guests/guest.ts'
import type { FileSource } from '../guests/host-bridge.ts'
import type { ResultRecord } from '../services/machine/records.ts'
import { unpackResult } from '../services/machine/result-store.ts'
import { wireId } from '../services/machine/verify-log.ts'
import type { StoredEntry, VerifySource } from '../services/machine/verify-source.ts'
import type { NodeClient } from './client.ts'
import { processInfo, processPath, type SnapshotInfo } from './process-info.ts'

interface WireEntry {
  readonly slot: number
  readonly origin: string
  readonly depth: number
  readonly assignment: string
  readonly messageId: string
  readonly message: string | null
}

type ToldFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'fault'; readonly text: string }
  | { readonly kind: 'found'; readonly sizeBytes: number }

interface Page {
  /** The slot that the next one begins with. */
  readonly next: number | null
}

const PAGE = 200

export function httpSource(node: NodeClient): VerifySource {
  return {
    process: (id) => processInfo(node, id),
    async *entries(id) {
      for await (const { entries } of pages<Page & { readonly entries: WireEntry[] }>(node, `${processPath(id)}/log`))
        yield* entries.map(entryOf)
    },
    async *results(id) {
      for await (const { results } of pages<Page & { readonly results: ResultRecord[] }>(node, `${processPath(id)}/results`))
        yield* results.map(unpackResult)
    },
    async snapshots(id) {
      const path = `${processPath(id)}/snapshots`
      return (await node.getJson<{ snapshots: SnapshotInfo[] }>(path, 'the snapshots cannot be listed')).snapshots
    },
    snapshot: (id, slot) => node.getBytes(`${processPath(id)}/snapshots/${slot}`, `the snapshot after slot ${slot} cannot be read`),
    item: (id) => node.getBytes(`/heddle/items/${id}`, `data item ${id} cannot be read`),
    async transaction(id) {
      const [tx, data] = await Promise.all([node.getText(`/tx/${id}`), node.getBytes(`/raw/${id}`, `the data of ${id} cannot be read`)])
      return tx.status === 200 && data !== null ? { transaction: parseTransactionJson(JSON.parse(tx.body)), data } : null
    },
  }
}

/** Files as the node told programs of them. `process` is the one whose log is computed. */
export function httpFiles(node: NodeClient, process: () => string): FileSource {
  return {
    async open({ message, path }) {
      if (message.slot === null) return null
      const url = `${processPath(process())}/files?slot=${message.slot}&path=${encodeURIComponent(path)}`
      const told = await node.getBytes(url, `what slot ${message.slot} was told of ${path} cannot be read`)
      const answer = told === null ? null : (JSON.parse(toText(told)) as ToldFile)
      if (answer === null || answer.kind === 'missing') return null
      if (answer.kind === 'fault') throw new GuestFault('error', answer.text)
      return {
        sizeBytes: answer.sizeBytes,
        async read(start, end) {
          const bytes = await node.getBytes(`${url}&start=${start}&end=${end}`, `${path} cannot be read`)
          if (bytes?.length !== end - start) throw new Error(`the node does not give all of ${path}`)
          return bytes
        },
      }
    },
  }
}

async function* pages<T extends { readonly next: number | null }>(node: NodeClient, path: string): AsyncIterable<T> {
  const fetchPage = (from: number): Promise<T> => {
    const page = node.getJson<T>(`${path}?from=${from}&limit=${PAGE}`, `${path} cannot be read`)
    page.catch(() => {}) // Heard of when it is awaited.
    return page
  }
  for (let coming: Promise<T> | null = fetchPage(0); coming !== null; ) {
    const page: T = await coming
    coming = page.next === null ? null : fetchPage(page.next)
    yield page
  }
}

function entryOf({ slot, origin, depth, assignment, messageId, message }: WireEntry): StoredEntry {
  return {
    slot,
    origin,
    depth,
    assignment: fromBase64url(assignment),
    messageId: wireId(messageId),
    message: message === null ? null : fromBase64url(message),
  }
}

/** Ids of all processes of the node. */
export async function allProcesses(node: NodeClient): Promise<TxId[]> {
  const found: TxId[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: { processes: string[]; next: string | null } = await node.getJson(
      `/heddle/processes?limit=1000${after === '' ? '' : `&after=${after}`}`,
      'the processes cannot be listed',
    )
    found.push(...page.processes.map(wireId))
    after = page.next
  }
  return found
}
