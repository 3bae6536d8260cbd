/** heddle inspect: show a message, its ids, its commitments and hashpath, and whether they verify. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { withoutCommitments } from '../codec/message/commitment.ts'
import { encodeJson } from '../codec/message/json.ts'
import { urlOption } from './client.ts'
import { type CommandFile, flag, listOption, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config-url.ts'
import { examine, isGood, type Report } from './inspect-message.ts'
import { readPath, readUrl, type Source } from './inspect-source.ts'
import { reportLines } from './inspect-text.ts'

const ID_START = /^[A-Za-z0-9_-]{43}(?:[/~?&]|$)/

export const inspect: CommandFile = {
  name: 'inspect',
  usage: '<file, id, path of the node, or URL>',
  wordsMax: 1,
  options: {
    ...urlOption,
    header: { type: 'string', short: 'H', multiple: true, value: 'name:value', help: 'send this header; may be repeated' },
    all: { type: 'boolean', help: 'every key of every message in it, and values in full' },
  },
  examples: [
    'heddle inspect <id>',
    'heddle inspect /~meta@1.0/info',
    'heddle inspect https://node.example/<process>/now',
    'heddle inspect item.bin',
    "heddle inspect /~meta@1.0/info --header 'accept: application/json' --json",
  ],
  async run(input, output) {
    const [word] = input.positionals
    if (word === undefined) throw new UsageError('what to inspect is missing; name a file, an id, a path such as /~meta@1.0/info, or a URL')
    const headers = parseHeaders(listOption(input, 'header'))
    const source = await output.busy('asking', read(word, textOption(input, 'url'), headers))
    const report = await examine(source)
    for (const line of reportLines(report, output, flag(input, 'all'))) output.line(line)
    output.value(toJson(report))
    return isGood(report) ? 0 : 1
  },
}

function read(word: string, url: string | undefined, headers: Readonly<Record<string, string>>): Promise<Source> {
  if (/^https?:\/\//i.test(word)) return readUrl(word, headers)
  if (existsSync(word) || isMissingFile(word)) return readPath(word)
  if (word.startsWith('/')) return readUrl(`${nodeUrl(url)}${word}`, headers)
  return ID_START.test(word) ? readUrl(`${nodeUrl(url)}/${word}`, headers) : readPath(word)
}

/** In a folder that is there: whoever wrote it meant a file. */
function isMissingFile(word: string): boolean {
  const folder = dirname(word)
  return word.startsWith('/') && folder !== '/' && existsSync(folder)
}

function parseHeaders(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const colon = word.indexOf(':')
      const name = word.slice(0, Math.max(colon, 0)).trim()
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new UsageError(`--header ${word}: expected name:value`)
      return [name, word.slice(colon + 1).trim()]
    }),
  )
}

function toJson(report: Report): unknown {
  const { message, commitments, uncommitted, ...rest } = report
  return {
    ok: isGood(report),
    ...rest,
    uncommitted: [...uncommitted],
    commitments: commitments.map(({ commitment: { id, device, type, keyId, committer, committed }, isValid }) => ({
      id,
      device,
      type,
      keyId,
      committer,
      committed,
      isValid,
    })),
    message: message === null ? null : JSON.parse(encodeJson(withoutCommitments(message))),
  }
}
