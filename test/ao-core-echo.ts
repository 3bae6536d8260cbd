/** A device for tests of how results look over HTTP: it answers with what it is told to. */
import { linkId } from '../src/codec/message/id.ts'
import { Atom, Link, message, type Value } from '../src/codec/message/value.ts'
import type { Device, Outcome, Status } from '../src/kernel/device.ts'

/** `/~echo@1.0/<name>` gives that of the outcomes; `/~echo@1.0/request` and `/~echo@1.0/base` show what the device gets. */
export function createEcho(outcomes: Readonly<Record<string, Outcome | (() => Outcome | Promise<Outcome>)>>): Device {
  return {
    name: 'echo@1.0',
    handler: (key, base, request) => {
      if (key === 'request') return outcome('ok', request)
      if (key === 'base') return outcome('ok', base)
      const found = outcomes[key]
      if (found === undefined) return outcome('not_found', 'nothing of that name')
      return typeof found === 'function' ? found() : found
    },
  }
}

export function outcome(status: Status, value: Value): Outcome {
  return { status, value }
}

/** What the nested results have inside. */
export const CHILD = message({ c: 'd', list: [1, 'two'] })
/** Results of every kind. */
export const OUTCOMES = {
  nested: outcome('ok', message({ a: 'x', child: CHILD, list: [1, 'y'] })),
  flat: outcome('ok', message({ a: 'x', n: 7 })),
  list: outcome('ok', ['x', 7]),
  link: outcome('ok', message({ elsewhere: new Link(linkId(CHILD)) })),
  strange: outcome(
    'ok',
    message({
      'a b': 'x',
      clé: 'é',
      lf: 'a\nb',
      'content-length': '9',
      'transfer-encoding': 'chunked',
      nul: '\0',
      ' x': ' y ',
      big: 'x'.repeat(5_000),
    }),
  ),
  many: outcome('ok', message(Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`key-${i}`, 'x'.repeat(100)])))),
  secret: outcome('ok', message({ a: 'x', priv: 'p', private_key: 'k', 'priv-x': 'y', inner: { 'priv-y': 'z', b: 'c' } })),
  typed: outcome('ok', message({ body: '<p>hi', 'content-type': 'text/html' })),
  'own-status': outcome('ok', message({ body: 'teapot', status: 418 })),
  'text-status': outcome('ok', message({ body: 'gone', status: '410' })),
  'atom-status': outcome('ok', message({ body: 'x', status: new Atom('forbidden') })),
  'no-status': outcome('ok', message({ body: 'x', status: 9_999 })),
  'status-word': outcome('ok', message({ body: 'x', status: 'pending' })),
  'empty-status': outcome('ok', message({ status: 204 })),
  'atom-error': outcome('ok', new Atom('error')),
  created: outcome('created', message({ slot: 3 })),
  error: outcome('error', 'no luck'),
  missing: outcome('not_found', new Atom('not_found')),
  unauthorized: outcome('unauthorized', 'who?'),
  forbidden: outcome('forbidden', 'no'),
  failure: outcome('failure', message({ body: 'broken' })),
  unavailable: outcome('unavailable', 'later'),
  bug: () => {
    throw new TypeError('a secret diagnostic')
  },
}
