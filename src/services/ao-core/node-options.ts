/**
 * What options of the node message may be, and which keys of a request are none.
 *
 * Source      permaweb/HyperBEAM src/hb_opts.erl, hb_http_server.erl set_opts/2 (2025-11), which take every key of the request, its headers too
 */
import { clip } from '../../base/bytes.ts'
import { errorText, HeddleError } from '../../base/errors.ts'
import { isAddress } from '../../base/ids.ts'
import { AO_CORE_KEY_BYTES_MAX } from '../../base/limits.ts'
import {
  Atom,
  EMPTY_MESSAGE,
  isList,
  isMessage,
  isPrivateKey,
  type Message,
  message,
  type Plain,
  type Value,
} from '../../codec/message/value.ts'

/** `unclaimed` as operator: whoever asks may change the options. */
export const UNCLAIMED = 'unclaimed'

export interface NodeFacts {
  readonly address: string
  readonly isDevelopment: boolean
  readonly devices: readonly string[]
}

/** What an option is when nobody sets it, under the names that HyperBEAM has for them. */
export function usualOptions({ address, isDevelopment, devices }: NodeFacts): Message {
  return message({
    operator: address,
    initialized: true,
    mode: new Atom(isDevelopment ? 'debug' : 'prod'),
    commitment_device: 'httpsig@1.0',
    force_signed: true,
    cache_control: ['no-cache', 'no-store'],
    cache_writers: [address],
    load_remote_devices: false,
    trusted_device_signers: [],
    preloaded_devices: devices.map((name) => ({ name })),
    on: {},
  })
}

/** What the node says of itself: nobody sets it. */
const COMPUTED: ReadonlySet<string> = new Set(['address', 'port', 'node_history', 'preloaded_devices', 'http_server'])

/** Keys that say how a request travels or what it is, not what the node shall be. */
const OF_REQUESTS: ReadonlySet<string> = new Set(
  (
    'path method commitments device target anchor data body ao-types ao-body-key inline-body-key body-keys content-type content-length content-digest ' +
    'host connection user-agent accept accept-bundle accept-codec accept-encoding accept-language require-codec codec-device signing-format ' +
    'cache-control authorization cookie nonce data-protocol type variant ao-peer ao-peer-port bundle'
  ).split(' '),
)

const BOOLEANS: ReadonlySet<string> = new Set(['force_signed', 'load_remote_devices'])
const LISTS: ReadonlySet<string> = new Set(['cache_control', 'cache_writers', 'trusted_device_signers'])
const NAMES = new Map(
  [
    ...usualOptions({ address: '', isDevelopment: true, devices: [] }).keys(),
    ...COMPUTED,
    ...['default_request', 'default_index', 'default_index_path', 'http_extra_opts', 'await_inprogress'],
  ].map((name) => [plainName(name), name]),
)

/** Does it mean something to this program? */
export function isKnownOption(name: string): boolean {
  return NAMES.has(plainName(name))
}

/** `Force-Signed` and `force_signed` are one option; names that are not known stay as they are. */
export function optionName(key: string): string {
  return NAMES.get(plainName(key)) ?? key
}

/** The options among the keys of a request, each as its kind wants it. Fails with `request-invalid` for one that it cannot be. */
export function readOptions(keys: Message, current: Message): Message {
  const options = new Map<string, Value>()
  for (const [key, value] of keys) {
    if (isPrivateKey(key) || OF_REQUESTS.has(key.toLowerCase())) continue
    const name = optionName(key)
    if (COMPUTED.has(name)) requireSame(name, value, current.get(name))
    else options.set(name, withoutPrivate(readOption(name, value)))
  }
  return options
}

function readOption(name: string, value: Value): Value {
  if (name.length > AO_CORE_KEY_BYTES_MAX) throw invalid(clip(name), `has a name of more than ${AO_CORE_KEY_BYTES_MAX} characters`)
  if (name === 'operator') return readOperator(value)
  if (name === 'initialized') return readInitialized(value)
  if (name === 'load_remote_devices' && readBoolean(name, value))
    throw invalid(name, 'cannot be true: this node runs no devices but its own')
  if (BOOLEANS.has(name)) return readBoolean(name, value)
  if (LISTS.has(name)) return readList(name, value)
  return value
}

function readOperator(value: Value): Value {
  const text = wordOf(value)
  if (text !== null && (text === UNCLAIMED || isAddress(text))) return text
  throw invalid('operator', `is neither an address of 43 characters nor ${UNCLAIMED}`)
}

function readInitialized(value: Value): Value {
  const word = wordOf(value)
  if (word === 'permanent') return new Atom(word)
  if (word === 'true' || word === 'false') return word === 'true'
  throw invalid('initialized', 'is none of true, false and permanent')
}

function readBoolean(name: string, value: Value): boolean {
  const word = wordOf(value)
  if (word === 'true' || word === 'false') return word === 'true'
  throw invalid(name, 'is neither true nor false')
}

function readList(name: string, value: Value): Value {
  const items = isList(value) ? value : [value]
  if (items.every((item) => typeof item === 'string')) return items
  throw invalid(name, 'is not a list of texts')
}

/** The settings of the program as options; private ones too. Fails with `config-invalid` for one that an option cannot be. */
export function configuredOptions(operator: string | undefined, options: Readonly<Record<string, unknown>> = {}): Message {
  try {
    const given = message(options as { readonly [key: string]: Plain }) // From JSON, whose values all have a kind.
    const configured = operator === undefined ? given : new Map([...given, ['operator', operator]])
    readOptions(configured, EMPTY_MESSAGE)
    return configured
  } catch (error) {
    const problem = `aoOptions: ${errorText(error)}`
    throw new HeddleError('config-invalid', { problems: [problem] }, problem, { cause: error })
  }
}

/** Without private keys, at any depth. */
export function withoutPrivate(value: Value): Value {
  if (isList(value)) return value.map(withoutPrivate)
  if (!isMessage(value)) return value
  return new Map([...value].flatMap(([key, item]) => (isPrivateKey(key) ? [] : [[key, withoutPrivate(item)] as const])))
}

/** Text, an atom or a boolean, as text. */
export function wordOf(value: Value | undefined): string | null {
  if (value instanceof Atom) return value.name
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : null
}

/** Who sends the whole node message back does not want to change these. */
function requireSame(name: string, value: Value, current: Value | undefined): void {
  if (typeof value === 'object' || value === current || String(value) === String(current)) return
  throw invalid(name, 'cannot be set: the node computes it')
}

function plainName(key: string): string {
  return key.toLowerCase().replaceAll('-', '_')
}

function invalid(option: string, problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field: option }, `option ${option} ${problem}`)
}
