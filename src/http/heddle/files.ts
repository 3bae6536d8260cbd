/**
 * GET /heddle/processes/{process}/files?slot&path -> 200 {"kind":"missing"} | {"kind":"fault","text"} | {"kind":"found","sizeBytes"}: what the program
 * was told about a file when this message was evaluated; with start and end -> 200 application/octet-stream: bytes of what it found.
 *
 * Wire    path: `/data/<id>`, `/tx/<id>`, `/block/<height>`; slot: that of the message, or the timestamp of a tick. 404 for what it did not ask, so that nothing is looked up, or noted, for strangers.
 */
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { GUEST_FILE_PIECE_BYTES } from '../../base/limits.ts'
import type { FileContext, FileSource } from '../../guests/host-bridge.ts'
import type { DriveLog } from '../../services/machine/drive-log.ts'
import type { Machine } from '../../services/machine/machine.ts'
import type { LogRecord } from '../../services/machine/records.ts'
import { parseId, parseNatural } from '../ao-legacy/parameters.ts'
import { bytes, json, type Route } from '../route.ts'

export interface FilesDeps {
  readonly machine: Pick<Machine, 'facts' | 'findRecord' | 'getHead' | 'slotAt'>
  readonly drive: FileSource
  readonly told: Pick<DriveLog, 'find'>
}

export function files({ machine, drive, told }: FilesDeps): Route {
  return {
    method: 'GET',
    path: '/heddle/processes/:process/files',
    async handle(request) {
      const process = parseId(request.params['process'], 'process')
      const head = await machine.getHead(process)
      const path = request.query.get('path') ?? ''
      const slot = parseNatural(request, 'slot')
      const record = slot === null ? null : await recordAt(machine, process, slot, head.slot)
      const { env } = await machine.facts(process)
      const message = record === null ? null : contextOf(record)
      const known = message === null ? null : await told.find(env.Process.Id, message, path)
      if (message === null || known === null)
        throw new HeddleError(
          'not-found',
          { what: 'file', id: path },
          `nobody asked for the file ${path} at that slot of process ${process}`,
        )
      if (known.kind !== 'found') return json(200, known)
      const [start, end] = [parseNatural(request, 'start'), parseNatural(request, 'end')]
      if (start === null || end === null) return json(200, { kind: 'found', sizeBytes: known.sizeBytes })
      if (end < start || end > known.sizeBytes || end - start > GUEST_FILE_PIECE_BYTES)
        throw new HeddleError(
          'request-invalid',
          { field: 'end' },
          `the file has ${known.sizeBytes} bytes; ask for at most ${GUEST_FILE_PIECE_BYTES} inside of it`,
        )
      const file = await drive.open({ env, message, path }, request.signal)
      return file === null ? json(200, { kind: 'missing' }) : bytes(200, await file.read(start, end, request.signal))
    },
  }
}

/** Timestamps are far beyond all slots. */
async function recordAt(machine: FilesDeps['machine'], process: TxId, slotOrTime: number, last: number): Promise<LogRecord | null> {
  if (slotOrTime <= last) return machine.findRecord(process, slotOrTime)
  const slot = await machine.slotAt(process, slotOrTime, last)
  const record = slot < 0 ? null : await machine.findRecord(process, slot)
  return record?.timestampMs === slotOrTime ? record : null
}

/** As the guests had it. */
function contextOf({ message, slot, height, timestampMs, cron }: LogRecord): FileContext {
  return cron === undefined ? { id: message, slot, height, timestampMs } : { id: null, slot: timestampMs, height, timestampMs }
}
