/** Reading what a user named on the command line. */
import { readFile, stat } from 'node:fs/promises'
import { errorText } from '../base/errors.ts'
import { UsageError } from './command.ts'

export async function readFileOf(path: string): Promise<Uint8Array> {
  return named(path, readFile(path))
}

export async function readTextFile(path: string): Promise<string> {
  return named(path, readFile(path, 'utf8'))
}

export async function statOf(path: string): Promise<Awaited<ReturnType<typeof stat>>> {
  return named(path, stat(path))
}

/** What a failed call on a file means, without the names of system calls. */
export function fileProblem(error: unknown): string {
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case 'ENOENT':
      return 'it does not exist'
    case 'EEXIST':
      return 'it exists already'
    case 'EISDIR':
      return 'it is a folder'
    case 'ENOTDIR':
      return 'a part of the path is a file, not a folder'
    case 'EACCES':
    case 'EPERM':
      return 'access is denied'
    case 'ENOSPC':
      return 'the disk is full'
    case 'EROFS':
      return 'the disk is read-only'
    default:
      return errorText(error)
  }
}

async function named<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${fileProblem(error)}`)
  }
}
