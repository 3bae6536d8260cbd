/** heddle verify: compute a process again from its signed log, here, and compare with what the node keeps. */
import { availableParallelism } from 'node:os'
import { parseTxId, type TxId } from '../base/ids.ts'
import { GUEST_CACHE_BYTES_MAX, GUEST_TIME_MS_MAX } from '../base/limits.ts'
import { silentLog } from '../base/log.ts'
import { createGuestPool } from '../guests/guest-pool.ts'
import { type Finding, type VerifyReport, verifyProcess } from '../services/machine/verify-process.ts'
import { connect, type NodeClient, parseId, urlOption } from './client.ts'
import { type CommandFile, flag, textOption, UsageError } from './command.ts'
import type { Output } from './output.ts'
import { parseSlot, processInfo } from './process-info.ts'
import { allProcesses, httpFiles, httpSource } from './verify-source.ts'

/** This computer may be slower than the node, and nobody waits behind. */
const TIME_MS_MAX = 10 * GUEST_TIME_MS_MAX

export const verify: CommandFile = {
  name: 'verify',
  usage: '<process> [--to <slot>]',
  wordsMax: 1,
  options: {
    ...urlOption,
    to: { type: 'string', value: 'slot', help: 'the last slot to verify (default: the last there is)' },
    all: { type: 'boolean', help: 'verify every process of the node' },
  },
  examples: ['heddle verify <process>', 'heddle verify <process> --to 100', 'heddle verify --all'],
  async run(input, output) {
    const to = textOption(input, 'to') === undefined ? null : parseSlot(textOption(input, 'to'), 'to')
    const [word] = input.positionals
    const isAll = flag(input, 'all')
    if (isAll && (word !== undefined || to !== null))
      throw new UsageError('--all takes every process from its first slot to its last; leave out the rest')
    const node = connect(input)
    const processes = isAll ? await allProcesses(node) : [parseTxId(parseId(word, 'a process id', '"heddle spawn" prints it'))]
    const reports = await verifyAll(node, { processes, to }, output)
    for (const report of reports) show(report, isAll, output)
    for (const note of notesOf(reports)) output.line(output.paint.dim(output.plain(note)))
    const total = sumOf(reports)
    const ok = total.mismatches.length === 0
    const summary = `${total.slots} slots, ${total.snapshots} snapshots verified`
    output.line(ok ? output.paint.green(summary) : `${summary}, ${output.paint.red(`${total.mismatches.length} differ`)}`)
    output.value({ ok, ...total, processes: processes.length })
    return ok ? 0 : 1
  },
}

async function verifyAll(
  node: NodeClient,
  { processes, to }: { readonly processes: readonly TxId[]; readonly to: number | null },
  output: Output,
): Promise<VerifyReport[]> {
  let current = ''
  const guests = createGuestPool({
    workers: Math.min(2, availableParallelism()),
    memoryBytesMax: GUEST_CACHE_BYTES_MAX,
    log: silentLog,
    timeMsMax: TIME_MS_MAX,
    files: httpFiles(node, () => current),
  })
  const onProcess = (process: string): void => {
    current = process
  }
  const progress = output.progress('verifying')
  const reports: VerifyReport[] = []
  try {
    for (const process of processes) {
      await evaluated(node, process, to)
      const onProgress = (done: number, total: number): void => progress.update(done, total, `${done} of ${total} slots`)
      reports.push(await verifyProcess(process, to, { source: httpSource(node), guests, onProgress, onProcess }))
    }
    return reports
  } finally {
    progress.end()
    await guests.stop()
  }
}

/** Waits until the node has a result for the last slot that is asked for. */
async function evaluated(node: NodeClient, process: TxId, to: number | null): Promise<void> {
  const { slot } = await processInfo(node, process)
  await node.result(process, String(to === null ? slot : Math.min(to, slot)))
}

function show({ process, mismatches, notComparable }: VerifyReport, isAll: boolean, output: Output): void {
  const line = (finding: Finding): string =>
    `${isAll || finding.process !== process ? `${finding.process} ` : ''}slot ${finding.slot}: ${output.plain(finding.what)}`
  for (const finding of notComparable) output.line(output.paint.yellow(`not comparable, ${line(finding)}`))
  for (const finding of mismatches) output.line(output.paint.red(line(finding)))
}

/** One line for all that say the same. */
function notesOf(reports: readonly VerifyReport[]): string[] {
  const notes = Map.groupBy(
    reports.flatMap((report) => report.notes ?? []),
    ({ what }) => what,
  )
  return [...notes].map(([what, [first, ...others]]) => {
    const who = others.length === 0 ? `process ${first!.process}` : `${others.length + 1} processes`
    return `note on ${who}: ${what}`
  })
}

function sumOf(reports: readonly VerifyReport[]): Omit<VerifyReport, 'process'> {
  const notes = reports.flatMap((report) => report.notes ?? [])
  return {
    slots: reports.reduce((sum, { slots }) => sum + slots, 0),
    snapshots: reports.reduce((sum, { snapshots }) => sum + snapshots, 0),
    mismatches: reports.flatMap(({ mismatches }) => mismatches),
    notComparable: reports.flatMap(({ notComparable }) => notComparable),
    ...(notes.length === 0 ? {} : { notes }),
  }
}
