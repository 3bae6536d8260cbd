/**
 * GET /heddle/{anything else} -> 404 {error}: elsewhere a path without a route is 400, as Arweave nodes say.
 *
 * Wire  The aos command line asks UPDATE_URL for newer versions of itself, and 404 is the one answer of a node that lets it go on in silence.
 */
import { clip } from '../../base/bytes.ts'
import { json, type Route } from '../route.ts'

export const unknown: Route = {
  method: 'GET',
  path: '/heddle/*',
  async handle({ params }) {
    return json(404, { error: `there is nothing at /heddle/${clip(params['*'] ?? '')}` })
  },
}
