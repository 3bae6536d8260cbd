/**
 * Records vectors/lua53.json again: runs each case with the system's `lua5.3` and keeps what it said. `node test/record-lua53.ts`
 * A new case is an entry with a name and code; its result is filled in here. Tests only read the file.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type LuaVectors, REPORT } from './lua53-cases.ts'

const path = fileURLToPath(new URL('vectors/lua53.json', import.meta.url))
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as LuaVectors

function lua(script: string, input: string): string {
  return execFileSync('lua5.3', ['-e', script], {
    input,
    env: { TZ: 'UTC', LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    maxBuffer: 1 << 26,
    timeout: 10_000,
  }).toString('utf8')
}

const version = execFileSync('lua5.3', ['-v']).toString('utf8').trim()
const script = `${REPORT} local answer = report(io.read("a")) io.write(answer)`
const recorded = cases.map(({ name, code }) => JSON.stringify({ name, code, result: lua(script, code) }))
const source = `${version}, lua5.3 as packaged by Debian, TZ=UTC LC_ALL=C; recorded by test/record-lua53.ts; cases are our own`
writeFileSync(path, `{"source":${JSON.stringify(source)},"cases":[\n${recorded.join(',\n')}\n]}\n`)
