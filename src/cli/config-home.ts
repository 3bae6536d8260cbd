/** Where commands keep what belongs to the user and not to a node. The environment is read in `config*.ts` only. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** History of `heddle console`: in XDG_STATE_HOME, else in ~/.local/state. */
export function consoleHistoryPath(environment: Readonly<Record<string, string | undefined>> = process.env, home = homedir()): string {
  return join(environment['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'heddle', 'console-history')
}
