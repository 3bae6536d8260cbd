/** What of the node's options the kernel looks at, read anew whenever they change. */
import { isMessage, isTrue, type Message, type Value } from '../codec/message/value.ts'
import { type Directives, readDirectives } from './cache-control.ts'
import type { NodeMessage } from './node-message.ts'

export interface KernelSettings {
  readonly cacheControl: Directives
  /** Which resolutions wait for each other: those in the groups of their devices, also those without a group that are the same, or none. */
  readonly awaitInProgress: 'named' | 'all' | 'none'
  /** Handlers by the name of their hook. */
  readonly hooks: Message | null
  readonly hasStepHook: boolean
}

const NO_CACHE = ['no-cache', 'no-store']

/** Reads the options when they are others than the last time. */
export function settingsReader(node: NodeMessage): () => KernelSettings {
  let options: Message | null = null
  let settings: KernelSettings | null = null
  return () => {
    if (settings === null || options !== node.options) {
      options = node.options
      settings = readSettings(options)
    }
    return settings
  }
}

/** An option by its name with dashes; older nodes wrote underscores. */
export function readOption(options: Message, name: string): Value | undefined {
  const value = options.get(name)
  return value === undefined ? options.get(name.replaceAll('-', '_')) : value
}

function readSettings(options: Message): KernelSettings {
  const hooks = options.get('on')
  return {
    cacheControl: readDirectives(readOption(options, 'cache-control') ?? NO_CACHE),
    awaitInProgress: readAwait(readOption(options, 'await-inprogress')),
    hooks: isMessage(hooks) ? hooks : null,
    hasStepHook: isMessage(hooks) && hooks.has('step'),
  }
}

function readAwait(value: Value | undefined): KernelSettings['awaitInProgress'] {
  if (isTrue(value)) return 'all'
  return value === false || value === 'false' ? 'none' : 'named'
}
