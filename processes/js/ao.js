/** ao: who this process is and whom it trusts. Known from the first message on. */
import { host } from './host.js'

let known = null

function identity() {
  const { env } = host
  if (known !== null && known.env === env) return known
  if (env === null)
    throw new Error(
      'who this process is gets known with its first message: read ao.id and the like in a handler or in onSpawn, not while the module loads',
    )
  const tags = { __proto__: null }
  for (const { name, value } of env.Process.Tags) tags[name] ??= value
  known = { env, tags, owner: tags['From-Process'] ?? env.Process.Owner, authorities: authoritiesOf(env.Process.Tags) }
  return known
}

/** One tag may hold a list. */
function authoritiesOf(tags) {
  const found = new Set()
  for (const { name, value } of tags)
    if (name === 'Authority') for (const one of value.split(',')) if (one.trim() !== '') found.add(one.trim())
  return found
}

export const ao = {
  get id() {
    return identity().env.Process.Id
  },
  /** Who may Eval: the wallet or process that spawned this one. */
  get owner() {
    return identity().owner
  },
  get module() {
    return identity().env.Module.Id
  },
  get name() {
    return identity().tags.Name ?? 'process'
  },
  /** The tags that the process was spawned with. */
  get tags() {
    return identity().tags
  },
  /** Whose messages are believed to come from the process that they name. A Set: add to it. */
  get authorities() {
    return identity().authorities
  },
  get env() {
    return identity().env
  },
}
