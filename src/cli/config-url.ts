/** Which node client commands talk to: `--url`, else `HEDDLE_URL`, else the one that `heddle start` starts. Apart from the settings of a node, so that small commands start at once. */
import { UsageError } from './command.ts'

export const NODE_URL_VARIABLE = 'HEDDLE_URL'
const DEFAULT = 'http://localhost:1984'

/** Without slashes at its end. */
export function nodeUrl(flagValue: string | undefined, environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const text = flagValue ?? (environment[NODE_URL_VARIABLE] || DEFAULT)
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new UsageError(`"${text}" is not the URL of a node; write it like ${DEFAULT}`)
  return text.replace(/\/+$/, '')
}

/** Did the user name a node in the environment? */
export function isNodeNamed(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return Boolean(environment[NODE_URL_VARIABLE])
}
