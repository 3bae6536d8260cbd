/**
 * Failures in the form that was asked for.
 *
 * Wire        {ao-result: body, body: <what is wrong>, status, failure: <code>}, unsigned: in JSON for those who want JSON, as a page for browsers, else
 *             httpsig@1.0. The text of the reference where clients look for it (404 `not_found` of a key is a result, and no failure).
 * Invariants  No stack traces, no diagnostics: a bug is a bare 500.
 */
import { HeddleError } from '../../base/errors.ts'
import { failureStatus } from '../failure-status.ts'
import type { Response } from '../route.ts'
import { acceptedCodec, acceptsHtml } from './codecs.ts'
import { errorPage } from './html.ts'
import type { ReplyWish } from './request.ts'

const TEXT_MAX = 1_000

export function failureReply(error: unknown, wish: ReplyWish): Response {
  const { status, code, text } = describe(error)
  const retry = status === 429 || status === 503 ? { 'retry-after': 1 } : {}
  if (wantsJson(wish)) {
    const body = JSON.stringify({ 'ao-result': 'body', body: text, failure: code, status })
    return {
      status,
      headers: { ...retry, failure: code, status: String(status), 'codec-device': 'json@1.0', 'content-type': 'application/json' },
      body,
    }
  }
  if (acceptsHtml(wish.accept) && wish.requireCodec === null && !wish.isBundle) {
    const { headers, body } = errorPage(wish.place, { status, code, text })
    return { status, headers: { ...retry, ...headers }, body }
  }
  const headers = { ...retry, 'ao-result': 'body', 'ao-types': 'status="integer"', failure: code, status: String(status) }
  return { status, headers, body: text }
}

function describe(error: unknown): { readonly status: number; readonly code: string; readonly text: string } {
  if (!(error instanceof HeddleError)) return { status: 500, code: 'bug', text: 'Internal Server Error' }
  return { status: failureStatus(error.code), code: error.code, text: error.message.toWellFormed().slice(0, TEXT_MAX) }
}

function wantsJson({ requireCodec, accept }: ReplyWish): boolean {
  return acceptedCodec(requireCodec ?? accept) === 'json@1.0'
}
