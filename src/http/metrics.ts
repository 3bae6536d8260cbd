/**
 * GET /metrics: what a node does, as Prometheus text.
 *
 * Wire    text/plain; version=0.0.4; names begin with `heddle_`, those of the runtime with `process_` and `nodejs_`
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Response, Surface } from './route.ts'

export interface MetricSources {
  readonly height: () => number
  readonly mempool: () => number
}

export interface Metrics {
  readonly surface: Surface
  /** Called by the server after each answer. */
  observe(surface: string, method: string, status: number, ms: number): void
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Counter({
    name: 'heddle_http_requests_total',
    help: 'Answers sent',
    labelNames: ['surface', 'method', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'heddle_http_request_seconds',
    help: 'Time from request to answer',
    labelNames: ['surface'],
    buckets: SECONDS,
    registers,
  })
  gauge('heddle_weave_height', 'Height of the tip', sources.height)
  gauge('heddle_mempool_transactions', 'Transactions that wait for a block', sources.mempool)
  return {
    surface: {
      name: 'metrics',
      routes: [
        {
          method: 'GET',
          path: '/metrics',
          handle: async (): Promise<Response> => ({
            status: 200,
            headers: { 'content-type': registry.contentType },
            body: await registry.metrics(),
          }),
        },
      ],
      failure: () => ({ status: 500, headers: {}, body: null }),
    },
    observe(surface, method, status, ms) {
      requests.inc({ surface, method, status })
      duration.observe({ surface }, ms / 1_000)
    },
  }

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  }
}
