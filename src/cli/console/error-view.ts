/** Errors of a process as a person can use them: what it printed before, what went wrong, and the line of the source with a mark under the spot. */
import type { Paint } from '../output.ts'
import type { Language, Place } from './language.ts'
import type { Source } from './source.ts'
import { widthOf } from './width.ts'

/** What aos puts between what was printed and the error. */
const AOS_SEPARATOR = new RegExp(`(?:^|\\n)\\s*(?:${'\x1b'}\\[\\d+m)*error:\\s*\\n(?:${'\x1b'}\\[\\d+m)*`)

export interface ErrorParts {
  readonly printed: string
  /** Places named as the user knows them: `token.lua:7`, `line 2`. */
  readonly message: string
  readonly place: Place | null
}

export function readError(text: string, language: Language, source: Source): ErrorParts {
  const cut = AOS_SEPARATOR.exec(text)
  const printed = cut === null ? '' : text.slice(0, cut.index).trimEnd()
  const raw = (cut === null ? text : text.slice(cut.index + cut[0].length)).trim()
  const matches = [...raw.matchAll(language.places)]
  const isLong = source.text.includes('\n')
  const message = raw.replaceAll(language.places, (...found) => {
    const { line } = language.placeOf(found as unknown as RegExpMatchArray)
    const origin = source.originOf(line)
    const ending = /:\s?$/.test(String(found[0])) ? ': ' : ''
    if (origin === null) return ''
    if (origin.file !== null) return `${origin.file}:${origin.line}${ending}`
    return isLong || ending === '' ? `line ${line}${ending}` : ''
  })
  return { printed, message: message.trim(), place: matches[0] === undefined ? null : language.placeOf(matches[0]) }
}

/** Empty when the place is not known. */
export function markedLine({ message, place }: ErrorParts, source: Source, paint: Paint): string[] {
  const origin = place === null ? null : source.originOf(place.line)
  if (place === null || origin === null || origin.text.trim() === '') return []
  const number = `${origin.file === null ? '' : `${origin.file}:`}${origin.line}`
  const [from, to] = place.column === null ? spotIn(origin.text, message) : [place.column - 1, place.column]
  const margin = ' '.repeat(widthOf(number) + 1)
  const before = widthOf(origin.text.slice(0, from))
  const marks = '^'.repeat(Math.max(1, widthOf(origin.text.slice(from, to))))
  return [
    `${paint.dim(`${number} │`)} ${origin.text.replaceAll('\t', '  ')}`,
    `${paint.dim(`${margin}│`)} ${' '.repeat(before)}${paint.red(marks)}`,
  ]
}

/** Lua tells a line; what it names in there is most often the spot. */
function spotIn(line: string, message: string): readonly [number, number] {
  const near = /near '([^']+)'/.exec(message)?.[1] ?? /\((?:global|local|field|method|upvalue|constant) '([^']+)'\)/.exec(message)?.[1]
  if (near === '<eof>') return [line.trimEnd().length, line.length]
  const at = near === undefined ? -1 : line.lastIndexOf(near)
  if (near !== undefined && at >= 0) return [at, at + near.length]
  return [line.length - line.trimStart().length, line.trimEnd().length]
}
