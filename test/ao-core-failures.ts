/** What a decoder does with input that is not what it takes: it fails with a code, or it does not fail. Anything else is a bug, and thrown on. */
import { HeddleError, isFailure } from '../src/base/errors.ts'

/** Null where it does not fail. */
export function failureOf(run: () => unknown): HeddleError | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof HeddleError) return error
    throw error
  }
}

/** `encoding-invalid: why` or `too-large: why`; `none` where it does not fail. */
export function failureText(run: () => unknown): string {
  const error = failureOf(run)
  if (error === null) return 'none'
  if (isFailure(error, 'encoding-invalid') || isFailure(error, 'too-large')) return `${error.code}: ${error.message}`
  throw error
}
