/**
 * From a file with a process in TypeScript or JavaScript to the data of its module: the file and all that it imports, without types.
 *
 * Source      Node.js module.stripTypeScriptTypes, which leaves every line and column where it was
 * Invariants  The program is loaded once here, exactly as a node would, so that what is wrong with it shows before anything is uploaded.
 *             Files keep the names that they have beside the first one: errors of the process name file and line as they were written.
 */
import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { utf8 } from '../base/bytes.ts'
import { errorText } from '../base/errors.ts'
import { GUEST_GAS_MAX, GUEST_MEMORY_BYTES_MAX, MODULE_BYTES_MAX, RESULT_BYTES_MAX } from '../base/limits.ts'
import { GuestFault } from '../guests/guest.ts'
import { tryJsSource } from '../guests/js/js-program.ts'
import { JS_FORMAT, PROCESS_MODULE, writeJsSource } from '../guests/js/js-source.ts'
import { CommandError } from './command.ts'
import { fileProblem } from './files.ts'

export { JS_FORMAT }

const SCRIPT = /\.[cm]?[jt]s$/
const TYPESCRIPT = /\.[cm]?ts$/
const LIMITS = { memoryBytesMax: GUEST_MEMORY_BYTES_MAX, gasMax: GUEST_GAS_MAX, resultBytesMax: RESULT_BYTES_MAX }

export function isProcessSource(path: string): boolean {
  return SCRIPT.test(path)
}

/** The module's data. Throws CommandError that names file and line. */
export function readProcessSource(path: string): string {
  const main = basename(path)
  const root = resolve(dirname(path))
  const files = new Map<string, string>()
  const get = (name: string): Uint8Array | undefined => {
    const text = files.get(name) ?? readImport(root, name, main)
    files.set(name, text)
    return utf8(text)
  }
  get(main)
  try {
    tryJsSource({ main, files: { get } }, LIMITS)
  } catch (error) {
    if (error instanceof GuestFault) throw new CommandError('process-invalid', `${path} does not start: ${error.message}`, { cause: error })
    throw error
  }
  const data = writeJsSource(main, files)
  if (utf8(data).length > MODULE_BYTES_MAX)
    throw new CommandError('process-invalid', `${path} and what it imports is too large for a module`)
  return data
}

/** JavaScript of the same lines and columns. */
export function withoutTypes(name: string, text: string): string {
  if (!TYPESCRIPT.test(name)) return text
  const { emitWarning } = process
  process.emitWarning = () => {} // Node calls the function experimental, which the user can do nothing about.
  try {
    return stripTypeScriptTypes(text)
  } catch (error) {
    throw new CommandError('process-invalid', `${name}${lineOf(error)}: ${problemOf(error)}`, { cause: error })
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Node puts `:line` and the source before the name of the error. */
function lineOf(error: unknown): string {
  return /^\S*:(\d+)\n/.exec((error as Error).stack ?? '')?.[0].trimEnd() ?? ''
}

function problemOf(error: unknown): string {
  const text = errorText(error)
  if ((error as NodeJS.ErrnoException).code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return text
  return `${text}: types are taken away, not compiled; write it in JavaScript, an enum as a constant object, say`
}

function readImport(root: string, name: string, main: string): string {
  const path = join(root, name)
  if (name !== main && (!SCRIPT.test(name) || relative(root, path).startsWith('..'))) throw unknownImport(name, root)
  const written = existsSync(path) ? path : path.replace(/js$/, 'ts') // As the compiler allows.
  let text: string
  try {
    text = readFileSync(written, 'utf8')
  } catch (error) {
    throw new CommandError('process-invalid', `cannot read ${name}, which is imported: ${fileProblem(error)}`, { cause: error })
  }
  return withoutTypes(relative(root, written), text)
}

function unknownImport(name: string, root: string): CommandError {
  const candidate = ['.ts', '.js'].map((ending) => name + ending).find((file) => existsSync(join(root, file)))
  if (candidate !== undefined) return new CommandError('process-invalid', `the import of ${name} lacks its ending: write ${candidate}`)
  if (name.startsWith('../'))
    return new CommandError('process-invalid', `${name} lies outside of ${root}: a process takes files from its own folder`)
  const reason = `a process can import ${PROCESS_MODULE} and files of its own folder, with their ending, like './lib.ts'`
  return new CommandError('process-invalid', `the import of ${name} cannot be part of a process: ${reason}`)
}
