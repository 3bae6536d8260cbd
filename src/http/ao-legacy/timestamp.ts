/**
 * GET /timestamp[?process-id] -> 200 {"timestamp":"<ms>","block_height":"<12 digits>"}; GET /health -> 200 with an empty body;
 * GET /healthcheck, which unit routers answer -> 200 `OK`.
 */
import { heightText } from '../../services/machine/assignment.ts'
import type { Chain } from '../../services/machine/scheduler.ts'
import { empty, json, type Route, text } from '../route.ts'

export function timestamp(chain: Chain): Route {
  return {
    method: 'GET',
    path: '/timestamp',
    handle: async () => json(200, { timestamp: String(chain.timestampMs()), block_height: heightText(chain.height()) }),
  }
}

export const health: readonly Route[] = [
  { method: 'GET', path: '/health', handle: async () => empty(200, { 'content-length': 0 }) },
  { method: 'GET', path: '/healthcheck', handle: async () => text(200, 'OK') },
]
