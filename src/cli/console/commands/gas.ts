/** .gas: what the last statements took. */

import { tableOf } from '../text-columns.ts'
import type { ConsoleCommand } from './command.ts'
import { parseCount } from './command.ts'

const USUAL = 10
const SOURCE_SHOWN_MAX = 60

export const gas: ConsoleCommand = {
  name: 'gas',
  usage: '[count]',
  summary: 'gas and time of the last statements',
  takes: 'nothing',
  async run(text, { session, printer }) {
    const { bold, dim, red } = printer.output.paint
    const all = session.evaluations
    if (all.length === 0) printer.line(dim('nothing was run here yet'))
    if (all.length === 0) return 'done'
    const rows = all
      .slice(-parseCount(text, USUAL))
      .map(({ result, tookMs, source }) => [
        number(result.GasUsed ?? 0).padStart(14),
        `${tookMs.toFixed(0)} ms`.padStart(9),
        (result.Error === undefined ? dim : red)(oneLine(source.label)),
      ])
    const gasTotal = all.reduce((sum, { result }) => sum + (result.GasUsed ?? 0), 0)
    const msTotal = all.reduce((sum, { tookMs }) => sum + tookMs, 0)
    const total = `${all.length} ${all.length === 1 ? 'statement' : 'statements'}`
    printer.line(
      tableOf([
        [dim('gas'.padStart(14)), dim('time'.padStart(9)), ''],
        ...rows,
        [bold(number(gasTotal).padStart(14)), bold(`${msTotal.toFixed(0)} ms`.padStart(9)), bold(total)],
      ]).join('\n'),
    )
    return 'done'
  },
}

/** 1,234,567, the same everywhere. */
export function number(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

function oneLine(text: string): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, ' ⏎ ')
  return line.length > SOURCE_SHOWN_MAX ? `${line.slice(0, SOURCE_SHOWN_MAX)}…` : line
}
