#!/usr/bin/env node
// Starts the command line on Node.js 24. Plain JavaScript, so that an older Node.js can still read it and say what to do.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24
const here = dirname(realpathSync(fileURLToPath(import.meta.url)))

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) {
  const { main } = await import('../src/main.ts')
  process.exitCode = await main(process.argv.slice(2))
} else {
  const node = findBundledNode()
  if (node === null) {
    console.error(
      `heddle: needs Node.js ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}; install it from nodejs.org, or run "npm ci" again without --omit=optional`,
    )
    process.exitCode = 1
  } else {
    const child = spawn(node, [join(here, 'heddle.js'), ...process.argv.slice(2)], { stdio: 'inherit' })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === null ? 1 : 128)
    })
  }
}

/** The Node.js that `npm ci` brought as an optional package for this platform. */
function findBundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`)
    const node = join(dirname(manifest), 'bin', 'node')
    return existsSync(node) ? node : null
  } catch {
    return null
  }
}
