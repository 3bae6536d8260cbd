/**
 * Eval: runs the JavaScript in a message's Data, for the owner. Its value is printed.
 *
 * Invariants  What the module exports, and the functions of heddle/process, can be used by name; `const`, `let` and functions that an Eval
 *             declares are there for the next one. Source with import or export is a module of its own, which may import the files of the
 *             process, so that it sees and changes the living state.
 */
import { host } from './host.js'
import { inspect } from './inspect.js'

const SCRIPT = 0
const MODULE = 1
const ASYNC = 128

let count = 0
let api = {}

export function exposeApi(names) {
  api = names
}

export async function evaluate(source) {
  expose({ ...api, ...host.main })
  count += 1
  const name = `eval-${count}.js`
  if (isModule(source)) {
    await host.evaluate(source, name, MODULE)
    return
  }
  const value = await run(source, name)
  if (value !== undefined) host.printed.push(inspect(value))
}

function isModule(source) {
  return /^\s*(?:import\s*[\w{*'"]|export\s+[\w{*])/m.test(source)
}

async function run(source, name) {
  if (/^\s*\{/.test(source)) {
    try {
      return await runScript(`(${source}\n)`, name)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return runScript(source, name)
}

async function runScript(source, name) {
  if (!/\bawait\b/.test(source)) return host.evaluate(source, name, SCRIPT)
  const { value } = await host.evaluate(source, name, ASYNC)
  return value
}

function expose(names) {
  for (const name of Object.keys(names))
    if (name !== 'default' && !(name in globalThis))
      Object.defineProperty(globalThis, name, {
        get: () => (host.main !== undefined && name in host.main ? host.main[name] : api[name]),
        configurable: true,
        enumerable: false,
      })
}
