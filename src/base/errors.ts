/**
 * Every failure the program can name, each with its facts. A surface (node API, gateway, GraphQL, AO units …) decides how it looks on its own wire.
 *
 * Three kinds of trouble exist: a *failure* is expected and thrown as HeddleError; an *outcome* (pending, skipped) is a return value;
 * anything else is a bug, logged in full and shown to the outside as a bare 500.
 */
export interface Failures {
  /** Bytes or text that do not follow their format. `at` is the byte position where reading stopped, 0 if it makes no sense. */
  'encoding-invalid': { readonly format: string; readonly at: number }
  'too-large': { readonly what: string; readonly size: number; readonly max: number }
  'signature-invalid': { readonly id: string }
  'id-mismatch': { readonly claimed: string; readonly actual: string }
  /** `rules` are the names of the validity rules that failed, as Arweave nodes spell them. */
  'tx-invalid': { readonly id: string; readonly rules: readonly string[] }
  'fee-too-low': { readonly paid: bigint; readonly needed: bigint }
  overspend: { readonly address: string; readonly balance: bigint; readonly needed: bigint }
  'anchor-unknown': { readonly id: string; readonly anchor: string }
  'anchor-in-mempool': { readonly id: string; readonly anchor: string }
  'already-known': { readonly id: string; readonly where: 'mempool' | 'weave' | 'process' }
  'data-split-unknown': { readonly id: string }
  /** `reason` is the word that an Arweave node answers, such as `invalid_proof`. */
  'chunk-refused': { readonly reason: string }
  'not-found': { readonly what: string; readonly id: string }
  'process-unknown': { readonly process: string }
  'module-unknown': { readonly module: string }
  'module-unsupported': { readonly module: string; readonly reason: string }
  'request-invalid': { readonly field: string }
  /** Another node or gateway failed, or gave what it should not. `status` is null when it did not answer. */
  'peer-failed': { readonly url: string; readonly status: number | null }
  'device-unknown': { readonly device: string }
  /** A body is not what its `content-digest` says. */
  'digest-mismatch': { readonly claimed: string; readonly actual: string }
  /** A resolution that waits for itself. */
  'endless-recursion': { readonly group: string }
  'not-allowed': { readonly what: string }
  'limit-reached': { readonly what: string; readonly max: number }
  'query-invalid': { readonly code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED' | 'BAD_USER_INPUT' }
  /**
   * The process is not in memory (evicted, moved, or its worker ended): open it again. Nothing was evaluated.
   * `cause` is there when its worker ended while it was this process that ran.
   */
  'guest-lost': { readonly process: string; readonly cause?: 'time' | 'crash' }
  'config-invalid': { readonly problems: readonly string[] }
  /** The medium failed (disk full, file gone). Nothing was acknowledged. */
  'store-failed': { readonly what: string }
  stopping: Record<never, never>
}

export type FailureCode = keyof Failures

export class HeddleError<C extends FailureCode = FailureCode> extends Error {
  override readonly name = 'HeddleError'
  readonly code: C
  readonly facts: Failures[C]

  /** The message says what is wrong, with the values, then what to do next. Never keys or seeds. */
  constructor(code: C, facts: Failures[C], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.facts = facts
  }
}

/** Narrows to one failure by its code. */
export function isFailure<C extends FailureCode>(error: unknown, code: C): error is HeddleError<C> {
  return error instanceof HeddleError && error.code === code
}

/** The text of anything thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
