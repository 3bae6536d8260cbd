/** The console as a person uses it, in a terminal that is looked at; and without one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { devWalletPath, readKey } from '../../src/cli/wallets.ts'
import { itemSigner } from '../../src/codec/data-item.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { HEDDLE, heddle, heddleJson } from './support/command.ts'
import { startProcess } from './support/process.ts'
import { type Client, clientOf, RUNTIMES } from './support/processes.ts'
import { openTerminal, type Terminal } from './support/terminal.ts'
import { verifyAllProcesses } from './support/verify.ts'

const CTRL_C = '\x03'
const CTRL_D = '\x04'
const CTRL_R = '\x12'
const ENTER = '\r'
const TAB = '\t'
const UP = '\x1b[A'
const LEFT = '\x1b[D'
const PROMPT = /> ?$/

let node: TestNode
let alice: Client
let folder = ''
let count = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-console-'))
  node = await startTestNode()
  alice = clientOf(node.url, itemSigner(await readKey(devWalletPath('alice'))))
})
afterAll(async () => {
  await verifyAllProcesses(node.url)
  await node.stop()
  rmSync(folder, { recursive: true })
})

function open(words: readonly string[], url = node.url): Terminal {
  const env = { HOME: folder, PATH: process.env['PATH'] ?? '', HEDDLE_URL: url }
  return openTerminal(process.execPath, [HEDDLE, 'console', ...words], { cwd: folder, env, columns: 110 })
}

async function spawnProcess(): Promise<{ readonly id: string; readonly name: string }> {
  count += 1
  const name = `process-${count}`
  return { id: await alice.spawn(RUNTIMES[0], [{ name: 'Name', value: name }]), name }
}

/** In a new console of a new process. */
async function session(use: (terminal: Terminal, id: string) => Promise<void>): Promise<void> {
  const { id } = await spawnProcess()
  await using terminal = open([id])
  await terminal.waitFor(PROMPT)
  await use(terminal, id)
}

/** Types a line that is not the last one of its statement. */
async function begin(terminal: Terminal, line: string): Promise<void> {
  const before = terminal.text()
  terminal.line(line)
  await terminal.waitFor(/\n {2}…$/)
  expect(terminal.text()).not.toBe(before)
}

/** Types a line and gives what is shown between it and the next prompt. */
async function say(terminal: Terminal, line: string, wanted: string | RegExp = /\n.*> ?$/): Promise<string> {
  terminal.line(line)
  await terminal.waitFor(wanted)
  return (await terminal.waitFor(PROMPT)).split('\n').slice(1, -1).join('\n')
}

/** From a wallet, and its result is there. */
async function sendTo(id: string, tags: Readonly<Record<string, string>>, data?: string): Promise<void> {
  const list = Object.entries(tags).map(([name, value]) => ({ name, value }))
  await alice.result(id, await alice.send(id, list, data))
}

describe('at the prompt', () => {
  it('runs statements of one and of many lines, and shows values, nil and false', () =>
    session(async (terminal, id) => {
      expect(terminal.text()).toContain(id)
      expect(terminal.text()).toMatch(/process-\d+@aos-2\.0\.4\[Inbox:1\]>$/)
      expect(await say(terminal, '1 + 1')).toBe('2')
      await begin(terminal, 'function double(x)')
      await begin(terminal, '  return x * 2 -- end')
      expect(await say(terminal, 'end')).toBe('')
      expect(await say(terminal, 'double(21)')).toBe('42')
      expect(await say(terminal, 'nope')).toBe('nil')
      expect(await say(terminal, '1 == 2')).toBe('false')
      expect(await say(terminal, `{ 1, 'two' }`)).toBe('{ 1, "two" }')
      expect(await say(terminal, `print('a') print('b')`)).toBe('a\nb')
    }))

  it('takes a pasted program as one statement, to be looked at before it runs', () =>
    session(async (terminal) => {
      terminal.type('\x1b[200~function f(a)\r\tif a then\r\t\treturn "yes"\r\tend\r\treturn "no"\rend\r\x1b[201~')
      expect(await terminal.waitFor('… end')).toContain('  …   if a then\n  …     return "yes"')
      terminal.type(ENTER)
      await terminal.waitFor(/… end\n.*> ?$/)
      expect(await say(terminal, 'f(1) .. f()')).toBe('yesno')
    }))

  it('shows the line of an error with a mark, and what was printed before', () =>
    session(async (terminal) => {
      expect(await say(terminal, 'x = = 1')).toBe(`error: unexpected symbol near '='\n1 │ x = = 1\n  │     ^`)
      await begin(terminal, 'do')
      await begin(terminal, `  print('before')`)
      await begin(terminal, '  nothing.there = 1')
      expect(await say(terminal, 'end')).toBe(
        `before\nerror: line 3: attempt to index a nil value (global 'nothing')\n3 │   nothing.there = 1\n  │   ^^^^^^^`,
      )
      expect(await say(terminal, `error({ code = 7 })`)).toMatch(/^error: \{\n\s+code = 7\n\}$/)
    }))

  it('edits across lines, and Ctrl-C gives up what is typed', () =>
    session(async (terminal) => {
      terminal.type('for i = 1, 2 do')
      terminal.type(ENTER)
      terminal.type('print(i)')
      terminal.type(`${UP}${'\x05'}${LEFT.repeat(3)}\x7f3`) // To the end of the line above, before ` do`, and 3 for 2.
      await terminal.waitFor('for i = 1, 3 do')
      terminal.type('\x1b[B\x05')
      terminal.type(`${ENTER}end${ENTER}`)
      await terminal.waitFor(/\n1\n2\n3\n.*> ?$/)
      terminal.type('never(')
      await terminal.waitFor('never(')
      terminal.type(CTRL_C)
      await terminal.waitFor(/never\(\^C\n.*> ?$/)
      expect(await say(terminal, '7')).toBe('7')
    }))

  it('leaves with Ctrl-D, with Ctrl-C twice, and with .quit', async () => {
    const { id } = await spawnProcess()
    for (const keys of [CTRL_D, CTRL_C + CTRL_C, `.quit${ENTER}`]) {
      await using terminal = open([id])
      await terminal.waitFor(PROMPT)
      terminal.type(keys)
      expect(await terminal.ended()).toBe(0)
    }
  })

  it('need not wait for a long evaluation: what comes of it is shown later', () =>
    session(async (terminal) => {
      terminal.line(`for i = 1, 1e8 do end print('it came')`)
      await terminal.waitFor('computing')
      terminal.type(CTRL_C)
      await terminal.waitFor('it goes on in the process')
      terminal.type('half typed')
      await terminal.waitFor(/\nit came\n.*> half typed$/)
    }))
})

describe('what arrives', () => {
  it('is shown above what is being typed: messages, errors of handlers, and the new count of the inbox', () =>
    session(async (terminal, id) => {
      await say(terminal, `Handlers.add('Fail', function() error('no such thing') end)`)
      const other = await spawnProcess()
      terminal.type('local half = "typed')
      await terminal.waitFor('typed')
      await alice.evaluate(other.id, `Send({ Target = '${id}', Action = 'Greeting', Data = 'hello' })`)
      const shown = await terminal.waitFor(/Inbox:2\]> local half = "typed$/)
      expect(shown).toContain(`│ New Message From ${other.id.slice(0, 3)}...${other.id.slice(-3)}: Action = Greeting`)
      await sendTo(id, { Action: 'Fail' })
      expect(await terminal.waitFor(/✗ slot \d+, message [\w-]{43}:\n[^✗]*no such thing/)).not.toContain('aos"]')
      expect(await terminal.waitFor(/> local half = "typed$/)).not.toMatch(/typed.*\n.*typed.*\n.*typed/)
      terminal.type(`"${ENTER}`)
      await terminal.waitFor(PROMPT)
    }))

  it('does not show its own evaluations twice, nor those of other consoles', () =>
    session(async (terminal, id) => {
      await say(terminal, `print('mine')`)
      await alice.evaluate(id, `print('theirs')`)
      await sendTo(id, { Action: 'Sign' })
      const text = await terminal.waitFor('Action = Sign')
      expect(text).not.toContain('theirs')
      expect(text.match(/^mine$/gm)).toHaveLength(1)
    }))
})

describe('looking inside', () => {
  it('.state, .gas, .inbox, .handlers, .info, .trace', () =>
    session(async (terminal, id) => {
      await say(terminal, `Balances = { alice = 3, ['bob b'] = 4 } Title = 'a title' function f() end`)
      expect(await say(terminal, '.state')).toMatch(/^Balances +table +2 entries\nTitle +string +7 bytes +"a title"\nf +function$/)
      expect(await say(terminal, '.state Balances')).toMatch(/^alice +number +3\nbob b +number +4$/)
      expect(await say(terminal, '.state Title')).toBe('a title')
      expect(await say(terminal, '.gas')).toMatch(/[\d,]+ +\d+ ms +Balances = .*\n +[\d,]+ +\d+ ms +1 statement$/)
      await sendTo(id, { Action: 'Note', Colour: 'blue' }, 'größer\n"quoted" \\u0041')
      await terminal.waitFor('Inbox:2')
      const inbox = await say(terminal, '.inbox 1')
      expect(inbox).toMatch(
        /^\[2\] Note {2}from [\w-]{43} {2}20\d\d-\d\d-\d\dT[\d:]+Z\n {4}Colour=blue\n {4}größer\n {4}"quoted" \\u0041\n {4}[\w-]{43}$/,
      )
      await say(terminal, `Handlers.add('Ping', { Action = 'Ping' }, function(m) m.reply({ Data = 'pong' }) end)`)
      expect(await say(terminal, '.handlers')).toMatch(/^ +1 +_eval +a function\n(.*\n)? +\d +Ping +Action=Ping/)
      expect(await say(terminal, '.info')).toMatch(
        new RegExp(`process +${id}\\n.*\\nowner +[\\w-]{43} \\(you\\)\\nmodule .*heddle-lua-1\\)\\nlast slot +\\d+`),
      )
      await say(terminal, `Send({ Target = ao.id, Action = 'Ping' })`)
      expect(await say(terminal, '.trace')).toMatch(/^Eval → [\s\S]*└─ Ping → [\s\S]*└─/)
    }))

  it('.dry and .at change nothing', () =>
    session(async (terminal) => {
      await say(terminal, 'count = 1')
      await say(terminal, 'count = 2')
      expect(await say(terminal, '.dry count + 5')).toBe('7')
      expect(await say(terminal, '.dry count = 100')).toBe('')
      expect(await say(terminal, '.at 1 count')).toBe('1')
      expect(await say(terminal, '.at 0 count')).toBe('nil')
      expect(await say(terminal, 'count')).toBe('2')
      expect(await say(terminal, '.at count')).toContain('write .at <slot> <code>')
    }))

  it('.send, .spawn, .fork, .open, .monitor, .json, .help and what is mistyped', () =>
    session(async (terminal, id) => {
      await say(terminal, `Handlers.add('Info', function(m) m.reply({ Data = 'I am ' .. Name .. m.Colour }) end)`)
      expect(await say(terminal, `.send Action=Info Colour='light blue'`)).toMatch(/→ [\w-]{43} {2}I am process-\d+light blue/)
      expect(await say(terminal, `.send Action=Info`)).toMatch(/^message .*\nerror: /s)
      expect(await say(terminal, `ao.send({ Target = 'nobody' }) and 'sent'`)).toMatch(/^sent\n {2}→ nobody\n {2}✗ not sent: .*nobody/)
      expect(await say(terminal, '.spawn another-one')).toMatch(/^✓ process [\w-]{43}$/)
      expect(await say(terminal, '.fork')).toMatch(/^✓ process [\w-]{43}, as this one was after slot \d+$/)
      expect(await say(terminal, '.monitor')).toBe('Monitoring process')
      expect(await say(terminal, '.unmonitor')).toBe('Process deleted')
      await say(terminal, '.json')
      expect(JSON.parse((await say(terminal, '1 + 1')).replaceAll('\n', ''))).toMatchObject({ Output: { data: '2' } })
      await say(terminal, '.json')
      expect(await say(terminal, '.help')).toMatch(/\.trace \[message\] +what a message/)
      expect(await say(terminal, '.stat')).toBe('there is no command .stat; did you mean .state?')
      expect(await say(terminal, '.open another-one')).toContain('another-one  ')
      expect(await say(terminal, 'ao.id')).not.toBe(id)
      expect(await say(terminal, '.open nowhere')).toMatch(/has no process with the name "nowhere"/)
    }))

  it('cuts what is too long, and .last shows it', () =>
    session(async (terminal) => {
      expect(await say(terminal, 'for i = 1, 250 do print("line " .. i) end')).toMatch(/line 200\n… 50 lines more; \.last shows all$/)
      expect(await say(terminal, '.last')).toMatch(/^line 1\n[\s\S]*\nline 250$/)
    }))
})

describe('completion and history', () => {
  it('Tab completes globals, fields, methods, commands and ids that were seen', () =>
    session(async (terminal, id) => {
      await say(terminal, `Balances = { alice = 3, albert = { x = 1 } }`)
      terminal.type(`Bal${TAB}.al${TAB}`)
      await terminal.waitFor('Balances.al')
      terminal.type(TAB)
      await terminal.waitFor(/albert +alice/)
      terminal.type(`b${TAB}.x${ENTER}`)
      await terminal.waitFor(/albert\.x\n1\n/)
      terminal.type(`("x").nothing = Handlers.onc${TAB}`)
      await terminal.waitFor('Handlers.once')
      terminal.type(CTRL_C)
      terminal.type(`.inb${TAB}`)
      await terminal.waitFor('.inbox')
      terminal.type(CTRL_C)
      terminal.type(`.send ${id.slice(0, 5)}${TAB}`)
      await terminal.waitFor(`.send ${id}`)
      terminal.type(CTRL_C)
      terminal.type(`retu${TAB} fals${TAB}`)
      await terminal.waitFor('return false')
      terminal.type(CTRL_C)
      await terminal.waitFor(PROMPT)
    }))

  it('what was typed is there in the next session, and Ctrl-R finds it', async () => {
    const { id } = await spawnProcess()
    {
      await using first = open([id])
      await first.waitFor(PROMPT)
      await say(first, `remembered = 'from before'`)
      await begin(first, 'function many()')
      await begin(first, 'return 2')
      await say(first, 'end')
      await say(first, 'remembered')
      first.type(CTRL_D)
      await first.ended()
    }
    await using second = open([id])
    await second.waitFor(PROMPT)
    second.type(UP)
    await second.waitFor(/> remembered$/)
    second.type(UP)
    expect(await second.waitFor('… end')).toContain('> function many()\n  … return 2\n  … end')
    second.type(CTRL_C)
    await second.waitFor(PROMPT)
    second.type(`${CTRL_R}from b`)
    await second.waitFor(`(history: from b) remembered = 'from before'`)
    second.type(ENTER)
    await second.waitFor(PROMPT)
    expect(await say(second, 'remembered')).toBe('from before')
    const path = join(folder, '.local', 'state', 'heddle', 'console-history')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toContain('"function many()\\nreturn 2\\nend"')
  })
})

describe('which process', () => {
  it('starts one when there is none and that is wanted, and finds it by its name after that', async () => {
    await heddle(['wallet', 'create', 'own.json', '--type', 'ed25519'], { cwd: folder })
    {
      await using terminal = open(['--wallet', 'own.json', 'my-bot'])
      await terminal.waitFor('There is no process "my-bot" yet. Start one? [Y/n]')
      terminal.type(ENTER)
      await terminal.waitFor('my-bot@aos')
      await say(terminal, 'kept = 5')
      terminal.type(CTRL_D)
      await terminal.ended()
    }
    await using again = open(['--wallet', 'own.json'])
    await again.waitFor('my-bot@aos')
    expect(await say(again, 'kept')).toBe('5')
    // The same words twice are two messages, also for a key that signs the same bytes the same way.
    expect(await say(again, 'kept = kept + 1')).toBe('')
    expect(await say(again, 'kept = kept + 1')).toBe('')
    expect(await say(again, 'kept')).toBe('7')
  })

  it('says who may run code, and lets everybody try', async () => {
    const { id } = await spawnProcess()
    await heddle(['wallet', 'create', 'stranger.json', '--type', 'ed25519'], { cwd: folder })
    await using terminal = open([id, '--wallet', 'stranger.json'])
    expect(await terminal.waitFor(PROMPT)).toMatch(/its owner alone may run code here.*\n {2}owner [\w-]{43}\n {2}you {3}[\w-]{43}\n/)
    expect(await say(terminal, '.dry 1 + 1')).toBe('2')
  })

  it('published aos modules are processes as others', async () => {
    await using terminal = open([await alice.spawn(RUNTIMES[1], [{ name: 'Name', value: 'published' }])])
    await terminal.waitFor('published@aos-2')
    expect(await say(terminal, `Balances = { alice = 3, ['gr\u00f6\u00dfe'] = 4 }`)).toBe('')
    expect(await say(terminal, '.state')).toMatch(/^Balances +table +2 entries$/)
    expect(await say(terminal, '.state Balances')).toMatch(/^alice +number +3\ngröße +number +4$/)
    expect(await say(terminal, 'nope')).toBe('nil')
    expect(await say(terminal, `error('boom')`)).toBe(`error: boom\n1 │ error('boom')\n  │ ^^^^^^^^^^^^^`)
    expect(await say(terminal, '.handlers')).toMatch(/_eval +a function[\s\S]*_default +a function/)
    expect(await say(terminal, '.inbox')).toMatch(/^\[1\] no action {2}from/)
    terminal.type(`Balances.a${TAB}`)
    await terminal.waitFor(/> Balances\.alice$/)
  })

  it('JavaScript is spoken to in JavaScript', async () => {
    writeFileSync(
      join(folder, 'counter.ts'),
      `import { on } from 'heddle/process'\nexport let count = 0\non('Inc', () => { count += 1 })\n`,
    )
    const spawned = await heddleJson<{ process: string }>(['spawn', 'counter.ts'], { cwd: folder, url: node.url })
    const id = spawned.value.process
    await using terminal = open([id])
    expect(await terminal.waitFor(PROMPT)).toContain('JavaScript (heddle-js-1)')
    await sendTo(id, { Action: 'Inc' })
    expect(await say(terminal, 'count')).toBe('1')
    await begin(terminal, 'const triple = (x) => {')
    await begin(terminal, '  return x * 3')
    await say(terminal, '}')
    expect(await say(terminal, 'triple(`$' + '{count}4`)')).toBe('42')
    expect(await say(terminal, 'let a = = 1')).toMatch(/^SyntaxError: .*\n1 │ let a = = 1\n {2}│ {9}\^$/)
    expect(await say(terminal, 'missing.x')).toBe(`ReferenceError: missing is not defined\n1 │ missing.x\n  │ ^`)
    expect(await say(terminal, '.state')).toMatch(/^count +number +1$/)
    expect(await say(terminal, '.inbox')).toContain('keeps no inbox')
    terminal.type(`cou${TAB}`)
    await terminal.waitFor(/> count$/)
  })
})

describe('files', () => {
  it('.load brings what a file requires, and errors name file and line', () =>
    session(async (terminal) => {
      writeFileSync(join(folder, 'main.lua'), `local lib = require('lib')\nanswer = lib.answer()\n`)
      writeFileSync(join(folder, 'lib.lua'), `local lib = {}\n\nfunction lib.answer()\n  return 42\nend\n\nreturn lib\n`)
      expect(await say(terminal, '.load main.lua')).toMatch(/^✓ main\.lua: \d+ lines$/)
      expect(await say(terminal, 'answer')).toBe('42')
      writeFileSync(join(folder, 'lib.lua'), `local lib = {}\n\nfunction lib.answer()\n  return nothing.there\nend\n\nreturn lib\n`)
      const failed = await say(terminal, '.load main.lua')
      expect(failed).toContain(
        `error: lib.lua:4: attempt to index a nil value (global 'nothing')\nlib.lua:4 │   return nothing.there\n          │          ^^^^^^^`,
      )
      expect(await say(terminal, '.load nowhere.lua')).toBe('cannot read nowhere.lua: it does not exist')
      await say(terminal, '.load-blueprint token')
      expect(await say(terminal, 'Ticker')).not.toBe('nil')
      terminal.line('.editor')
      await terminal.waitFor('.done runs the lines')
      terminal.type(`x = 1${ENTER}y = 2${ENTER}.done${ENTER}`)
      await terminal.waitFor(/\.done\n.*> ?$/)
      expect(await say(terminal, 'x + y')).toBe('3')
    }))
})

describe('without a terminal', () => {
  async function pipe(input: string, ...words: string[]): Promise<{ code: number | null; out: string; error: string }> {
    const child = spawn(process.execPath, [HEDDLE, 'console', ...words], {
      cwd: folder,
      env: { ...process.env, HEDDLE_URL: node.url, HOME: folder },
    })
    let [out, error] = ['', '']
    child.stdout.on('data', (part) => (out += part))
    child.stderr.on('data', (part) => (error += part))
    child.stdin.end(input)
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out, error }
  }

  it('runs what comes in, up to the first error', async () => {
    const { id } = await spawnProcess()
    const good = await pipe('x = 4\nfunction f()\n  return x\nend\nf() * 2\n.state\n.editor\ny = 1\nz = 2\n.done\ny + z\n', id)
    expect(good).toEqual({ code: 0, out: expect.stringMatching(/^8\nf +function\nx +number +4\n[^\n]*\n3\n$/), error: '' })
    const bad = await pipe(`print('a')\nerror('stop')\nprint('never')\n`, id)
    expect(bad).toMatchObject({ code: 1, out: expect.stringContaining('stop') })
    expect(bad.out).not.toContain('never')
    expect((await pipe('.nothing\n', id)).code).toBe(2)
  })

  it('--run runs one statement, --load files before it, --json gives results', async () => {
    const { id, name } = await spawnProcess()
    writeFileSync(join(folder, 'init.lua'), 'loaded = 7\n')
    expect(await pipe('', name, '--load', 'init.lua', '--run', 'loaded * 2')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\n14\n$/),
    })
    expect(await pipe('', id, '--run', `error('no')`)).toMatchObject({ code: 1, out: expect.stringContaining('error: no') })
    const { code, out } = await pipe('', id, '--run', '1 + 1', '--json')
    expect({ code, result: JSON.parse(out) }).toMatchObject({ code: 0, result: { Output: { data: '2' } } })
    expect(await pipe('', 'no-such-name', '--run', '1')).toMatchObject({ code: 1, error: expect.stringContaining('--spawn starts one') })
    expect(await pipe('', 'spawned', '--spawn', '--run', 'Name')).toMatchObject({ code: 0, out: 'spawned\n' })
  })
})

describe('a node that is not there', () => {
  it('is named with the reason and what to do', async () => {
    const { code, stderr } = await heddle(['console', '--url', 'http://127.0.0.1:1'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/no node answers at http:\/\/127\.0\.0\.1:1 \(.+\); start one with "heddle start"/)
  })

  it('is told when it goes and when it is back; the console goes on', async () => {
    const data = mkdtempSync(join(tmpdir(), 'heddle-console-node-'))
    let running = await startProcess(data)
    try {
      const { url } = running
      await using terminal = open(['killed', '--spawn'], url)
      await terminal.waitFor('killed@aos')
      await say(terminal, 'kept = 9')
      terminal.type('half typed')
      await terminal.waitFor('half typed')
      await running.kill()
      await terminal.waitFor(
        /no node answers at .*(nothing listens there|it hung up)[\s\S]*start one with "heddle start"[\s\S]*> half typed$/,
      )
      terminal.type(ENTER)
      await terminal.waitFor(/half typed\n[\s\S]*(no node answers)[\s\S]*> ?$/)
      running = await startProcess(data, ['--port', new URL(url).port])
      await terminal.waitFor('the node answers again')
      expect(await say(terminal, 'kept')).toBe('9')
      await heddle(['send', (await say(terminal, 'ao.id')).trim(), '--action', 'Hello'], { url })
      await terminal.waitFor('Action = Hello')
      terminal.type(CTRL_D)
      expect(await terminal.ended()).toBe(0)
      await verifyAllProcesses(url)
    } finally {
      await running.stop()
      rmSync(data, { recursive: true })
    }
  })
})
