/** heddle snapshot: keep the state of a process as it is now. */
import { writeFile } from 'node:fs/promises'
import { connect, parseId, urlOption } from './client.ts'
import { CommandError, type CommandFile, textOption } from './command.ts'
import { fileProblem } from './files.ts'
import { formatBytes } from './output.ts'
import { processPath, type SnapshotInfo } from './process-info.ts'

export const snapshot: CommandFile = {
  name: 'snapshot',
  usage: '<process> [--out <file>]',
  wordsMax: 1,
  options: { ...urlOption, out: { type: 'string', short: 'o', value: 'file', help: 'write the snapshot to a file too' } },
  examples: ['heddle snapshot <process>', 'heddle snapshot <process> --out state.snapshot'],
  async run(input, output) {
    const process = parseId(input.positionals[0], 'a process id', '"heddle spawn" prints it')
    const file = textOption(input, 'out')
    const node = connect(input)
    const path = `${processPath(process)}/snapshots`
    const made = await output.busy('taking a snapshot', node.postJson<SnapshotInfo>(path, {}, 'no snapshot was taken'))
    if (file !== undefined) {
      const bytes = await node.getBytes(`${path}/${made.slot}`, 'the snapshot cannot be read')
      if (bytes === null) throw new CommandError('refused', `the snapshot after slot ${made.slot} is not kept any more; take another`)
      await save(file, bytes)
    }
    output.line(`slot ${made.slot}  state ${made.stateHash}  ${formatBytes(made.sizeBytes)}`)
    if (file !== undefined) output.line(output.paint.dim(`  in ${file}`))
    output.value({ process, ...made, ...(file === undefined ? {} : { file }) })
    return 0
  },
}

async function save(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes)
  } catch (error) {
    throw new CommandError('file', `cannot write ${file}: ${fileProblem(error)}`)
  }
}
