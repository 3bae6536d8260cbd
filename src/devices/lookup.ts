/**
 * lookup@1.0: messages of this node by their ids.
 *
 * Keys     `read`   what is at the path `target` of the request: a message by any of its ids, a key of it, or a value by its SHA-256
 * Source   permaweb/HyperBEAM src/dev_lookup.erl (2025-11)
 */
import type { Device } from '../kernel/device.ts'
import { readTarget } from '../kernel/read-target.ts'

export const lookup: Device = {
  name: 'lookup@1.0',
  keys: { read: (_base, request, env) => readTarget(request, env) },
}
