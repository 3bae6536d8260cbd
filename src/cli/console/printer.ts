/** Shows what came of statements and of messages to the process: to a person in colours, to programs as JSON lines. */
import { CONSOLE_ROWS_MAX } from '../../base/limits.ts'
import type { ResultJson } from '../client.ts'
import type { Output } from '../output.ts'
import { sentLines } from '../show-result.ts'
import { markedLine, readError } from './error-view.ts'
import { type Evaluated, outputText, type Session } from './session.ts'

export interface Printer {
  readonly output: Output
  /** Results as JSON instead of text. */
  isJson: boolean
  line(text: string): void
  /** Text that may be long: its end waits for `.last`. */
  long(text: string): void
  /** All of what was cut last; null when nothing was. */
  last(): string | null
  /** False when the process answered with an error. */
  outcome(session: Session, outcome: Pick<Evaluated, 'result' | 'source'>): boolean
  /** The same of code that was run: now, or on the state after a slot. */
  evaluated(session: Session, evaluated: Pick<Evaluated, 'result' | 'source'>, at?: number | null): Promise<boolean>
}

const CHARS_MAX = 20_000

export interface PrinterOptions {
  readonly output: Output
  /** Takes whole lines. */
  readonly write: (text: string) => void
  /** Is what is too long for a person cut? */
  readonly cuts: boolean
}

export function createPrinter({ output, write, cuts }: PrinterOptions): Printer {
  const { dim, red } = output.paint
  let cutText: string | null = null
  const long = (text: string): void => {
    const lines = text.split('\n')
    const isLong = lines.length > CONSOLE_ROWS_MAX || text.length > CHARS_MAX
    if (!isLong || !cuts) {
      write(text)
      return
    }
    cutText = text
    const shown = lines.slice(0, CONSOLE_ROWS_MAX).join('\n').slice(0, CHARS_MAX)
    const missing = lines.length - shown.split('\n').length
    write(`${shown}\x1b[0m\n${dim(missing > 0 ? `… ${missing} lines more; .last shows all` : '… the line goes on; .last shows all')}`)
  }
  const outcome: Printer['outcome'] = (session, { result, source }) => {
    const isFailed = result.Error !== undefined
    if (printer.isJson) write(output.plain(JSON.stringify(result)))
    else if (isFailed) showError(session, { result, source })
    else {
      const shown = output.plain(outputText(result)).replace(/\n+$/, '')
      if (shown !== '') long(shown)
    }
    if (!printer.isJson) for (const line of [...sentLines(result, output), ...unsentLines(result)]) write(line)
    return !isFailed
  }
  const unsentLines = ({ Undelivered = [] }: ResultJson): string[] =>
    Undelivered.map(({ Reason }) => `  ${red('✗')} ${output.plain(`not sent: ${Reason}`)}`)
  const showError = (session: Session, { result, source }: Pick<Evaluated, 'result' | 'source'>): void => {
    const error = readError(String(result.Error), session.language, source)
    if (error.printed !== '') long(output.plain(error.printed))
    const [first = '', ...frames] = output.plain(error.message || 'the process gave no reason').split('\n')
    const marked = markedLine(error, source, output.paint)
    // The line that is shown already says where, if there is nothing else to say.
    const more = marked.length > 0 && frames.length === 1 && /^\s+at (?:<eval> )?line \d+$/.test(frames[0]!) ? [] : frames
    write(red(/^\w*Error: /.test(first) ? first : `error: ${first}`))
    for (const line of marked) write(output.plain(line))
    if (more.length > 0) long(dim(more.join('\n')))
  }
  const printer: Printer = {
    output,
    isJson: false,
    line: write,
    long,
    last: () => cutText,
    outcome,
    async evaluated(session, evaluated, at = null) {
      const isDone = outcome(session, evaluated)
      const isSilent = isDone && !printer.isJson && outputText(evaluated.result) === ''
      const question = isSilent ? session.language.emptyValue(evaluated.source.text) : null
      // nil and false print nothing, as everywhere with aos; at a prompt one wants to know which.
      if (question !== null) {
        const value = await session.dryRun({ source: question, at }).then(outputText, () => '')
        if (value !== '') write(dim(output.plain(value)))
      }
      return isDone
    },
  }
  return printer
}
