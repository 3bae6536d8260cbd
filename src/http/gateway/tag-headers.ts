/**
 * The tags of an AO item as response headers, where clients that read no GraphQL look for them.
 *
 * Wire        `type: Process`, `module: …`, `cron-tag-action: …`: names in lower case; a name that occurs twice has its values with ", " between
 *             them, but for what can only be one thing, of which the one counts that the units take.
 * Source      permaweb/ao servers/mu reads a process from the headers of GET /{id}
 * Invariants  Anyone can upload anything: only names that AO itself gives a meaning become headers, so that no upload sets a cookie or a policy
 *             for the gateway's origin; and only values that a header can carry as they are.
 */
import type { TextTag } from '../../codec/tags.ts'
import type { Response } from '../route.ts'

const NAMES: ReadonlySet<string> = new Set(
  [
    'Data-Protocol Variant Type Module Scheduler Authority Name App-Name aos-Version SDK On-Boot Timestamp Action Reference',
    'Module-Format Input-Encoding Output-Encoding Memory-Limit Compute-Limit Extension Availability-Type Attestor Settlement-Depth',
    'Cron-Interval From-Process From-Module Pushed-For Process Epoch Nonce Hash-Chain Block-Height Message Url Time-To-Live Fork-Of Fork-At',
  ].flatMap((line) => line.toLowerCase().split(' ')),
)
const CRON_TAG = /^cron-tag-[a-z0-9-]{1,64}$/
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
/** Of which one item has one, whatever its tags say. */
const SINGLE: ReadonlyMap<string, readonly string[]> = new Map([
  ['data-protocol', ['ao']],
  ['type', ['Process', 'Message']],
  ['variant', []],
  ['module', []],
  ['scheduler', []],
])

export function tagHeaders(tags: readonly TextTag[]): Response['headers'] {
  const values = new Map<string, string[]>()
  for (const { name, value } of tags) {
    const header = name.toLowerCase()
    if (!(NAMES.has(header) || CRON_TAG.test(header)) || !VALUE.test(value)) continue
    values.set(header, [...(values.get(header) ?? []), value])
  }
  return Object.fromEntries([...values].map(([header, all]) => [header, headerValue(header, all)]))
}

function headerValue(header: string, all: readonly string[]): string {
  const preferred = SINGLE.get(header)
  return preferred === undefined ? all.join(', ') : (all.find((value) => preferred.includes(value)) ?? all[0]!)
}
