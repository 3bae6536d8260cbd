#!/usr/bin/env node
// Starts the command line on Node.js 24. Plain JavaScript, so that an older Node.js can still read it and say what to do.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import * as module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24
/** First word of a command line that another Node.js handed over; file descriptor 3 then is a pipe that ends with that one. */
const HANDED_OVER = '--handed-over'
const COMPILED_AFTER_MS = 3_000
/** In a checkout; a package has them compiled, since Node.js strips no types inside node_modules. */
const SOURCES = '../src/main.ts'
const COMPILED = '../dist/main.js'

const here = dirname(realpathSync(fileURLToPath(import.meta.url)))
const words = process.argv.slice(2)

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) await run()
else handOver()

async function run() {
  keepCompiledCode()
  const isHandedOver = words[0] === HANDED_OVER
  if (isHandedOver) await endWithParent()
  const { main } = await import(existsSync(join(here, SOURCES)) ? SOURCES : COMPILED)
  process.exitCode = await main(isHandedOver ? words.slice(1) : words)
}

/** Stripping types and compiling is half of a start. The cache lies with the packages, where nobody else can write, and goes with them. */
function keepCompiledCode() {
  const folder = join(here, '..', 'node_modules', '.cache', 'heddle')
  module.enableCompileCache(folder)
  process.env.NODE_COMPILE_CACHE ??= folder // For worker threads, which enable it by themselves.
  setTimeout(() => module.flushCompileCache(), COMPILED_AFTER_MS).unref() // A node that is killed would leave none.
}

/** Who kills the process that was started means the node, which runs here. */
async function endWithParent() {
  const { Socket } = await import('node:net')
  const parent = new Socket({ fd: 3 }).unref()
  parent.on('close', () => process.kill(process.pid, 'SIGKILL')).on('error', () => {})
  parent.resume()
}

function handOver() {
  const node = findBundledNode()
  if (node === null) return refuse()
  const child = spawn(node, [join(here, 'heddle.js'), HANDED_OVER, ...words], { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

function refuse() {
  const error = `needs Node.js ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}; install it from nodejs.org, or run "npm ci" again without --omit=optional`
  if (words.includes('--json')) console.log(JSON.stringify({ code: 'node-too-old', error }))
  else console.error(`heddle: ${error}`)
  process.exitCode = 1
}

/** The Node.js that `npm ci` brought as an optional package for this platform. */
function findBundledNode() {
  try {
    const manifest = module.createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`)
    const node = join(dirname(manifest), 'bin', 'node')
    return existsSync(node) ? node : null
  } catch {
    return null
  }
}
