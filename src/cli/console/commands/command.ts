/** What a dot command is. */
import { UsageError } from '../../command.ts'
import type { CommandWords } from '../completion.ts'
import type { Printer } from '../printer.ts'
import type { Session } from '../session.ts'
import type { Source } from '../source.ts'

export interface Console {
  /** Of the process that is open now. */
  readonly session: Session
  readonly printer: Printer
  /** Runs it and shows what came of it; false when it failed. */
  run(source: Source): Promise<boolean>
  /** A sign of life while the work goes on. Null when the person did not want to wait. */
  wait<T>(label: string, work: Promise<T>): Promise<T | null>
  /** All lines up to `.done`; null when they were given up. */
  readBlock(): Promise<string | null>
  /** Goes on with another process. */
  open(process: string): Promise<void>
}

/** `left` ends the console. */
export type Outcome = 'done' | 'failed' | 'left'

export interface ConsoleCommand extends CommandWords {
  /** What follows the name: `<file.lua>`. */
  readonly usage: string
  readonly summary: string
  run(text: string, console: Console): Promise<Outcome>
}

export function outcomeOf(isDone: boolean | null): Outcome {
  return isDone === false ? 'failed' : 'done'
}

/** Words between blanks; quotes keep blanks together, as in a shell. */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const [word] of text.matchAll(/(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+/g)) words.push(unquote(word))
  return words
}

function unquote(word: string): string {
  return word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double: string | undefined, single: string | undefined) =>
    double === undefined ? (single ?? '') : double.replace(/\\(.)/g, '$1'),
  )
}

/** A whole number from 1, or what is usual. */
export function parseCount(text: string, usual: number): number {
  const word = text.trim()
  if (word === '') return usual
  const count = Number(word)
  if (Number.isInteger(count) && count > 0) return count
  throw new UsageError(`"${word}" is not a number from 1`)
}
