// Runs after an install: starts a node once and stops it, so that all is compiled when the user starts the first one. An install never fails for it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TIME_MS_MAX = 15_000

try {
  const data = mkdtempSync(join(tmpdir(), 'heddle-warm-up-'))
  const words = ['start', '--json', '--port', '0', '--data', data, '--log-level', 'silent']
  const child = spawn(process.execPath, [fileURLToPath(new URL('heddle.js', import.meta.url)), ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), TIME_MS_MAX)
  child.stdout.once('data', async (line) => {
    try {
      const { url } = JSON.parse(String(line))
      await fetch(`${url}/~meta@1.0/info/address`) // What a node loads when it is first asked.
    } catch {
      // It loads that at its first request then.
    }
    child.kill('SIGTERM')
  })
  child.once('error', () => {})
  child.once('close', () => {
    clearTimeout(timer)
    rmSync(data, { recursive: true, force: true })
  })
} catch {
  // The first start then takes half a second longer.
}
