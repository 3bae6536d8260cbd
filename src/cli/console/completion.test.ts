import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../test/temp-folder.ts'
import { createCompleter } from './completion.ts'
import { jsLanguage } from './js-language.ts'
import type { Language, Name } from './language.ts'
import { luaLanguage } from './lua-language.ts'
import type { Question, Session } from './session.ts'

const ID = `abc${'x'.repeat(40)}`
const COMMANDS = [
  { name: 'load', takes: 'file' },
  { name: 'send', takes: 'id' },
  { name: 'dry', takes: 'code' },
  { name: 'quit', takes: 'nothing' },
] as const

/** A process with these names in its tables; the globals are those of "". */
function completer(tables: Readonly<Record<string, readonly Name[]>>, language: Language = luaLanguage) {
  const asked: string[] = []
  const own = { ...language, names: (path: string | null) => path ?? '' }
  const ask = async <T>({ source }: Question): Promise<T> => {
    asked.push(source)
    const names = tables[source]
    if (names === undefined) throw new Error('no such table')
    return names as T
  }
  const session = { language: own, ask } as Partial<Session> as Session
  const made = createCompleter(() => session, COMMANDS)
  return { ...made, asked, at: async (text: string) => (await made.complete(text, text.length)).candidates }
}

const names = (type: string, ...all: string[]): Name[] => all.map((name) => ({ name, type }))

describe('Tab', () => {
  it('proposes globals, keywords, fields and methods', async () => {
    const { at, complete } = completer({
      '': names('table', 'Handlers', 'Balances', 'format'),
      Handlers: [...names('function', 'add', 'append'), ...names('table', 'list')],
      'Inbox[1].Tags': names('string', 'Action'),
    })
    expect(await at('x = Bal')).toEqual(['Balances'])
    expect(await at('fo')).toEqual(['for', 'format'])
    expect(await at('Handlers.')).toEqual(['add', 'append', 'list'])
    expect(await at('print(Handlers:')).toEqual(['add', 'append'])
    expect(await at('if Handlers.ap')).toEqual(['append'])
    expect(await at('.dry Inbox[1].Tags.A')).toEqual(['Action'])
    expect(await at('nope.x')).toEqual([])
    expect(await at('1 + ')).toEqual([])
    expect(await complete('x = Handlers.ap + 1', 15)).toEqual({ from: 13, candidates: ['append'] })
  })

  it('asks the process once for each table, until a statement was run', async () => {
    const { at, asked, forget } = completer({ '': names('table', 'abc') })
    await at('a')
    await at('ab')
    expect(asked).toEqual([''])
    forget()
    await at('a')
    expect(asked).toEqual(['', ''])
  })

  it('asks for nothing but tables that are named: no call is ever made', async () => {
    const { at, asked } = completer({ '': [] })
    for (const text of ['f().x', 'Send({}).y', 'a[f()].b', '("x"):z', 'a["b c"].d']) await at(text)
    expect(asked.filter((path) => path.includes('('))).toEqual([])
  })

  it('proposes commands, files and ids that were seen', async () => {
    const { at, see } = completer({})
    expect(await at('.')).toEqual(['.dry', '.load', '.quit', '.send'])
    expect(await at('.q')).toEqual(['.quit'])
    see(`a message from ${ID}, twice: ${ID}`)
    expect(await at('.send ab')).toEqual([ID])
    expect(await at('Send({ Target = "ab')).toEqual([ID])
    expect(await at('.quit ')).toEqual([])
    const folder = await tempFolder()
    mkdirSync(join(folder, 'lib'))
    for (const name of ['main.lua', 'notes.txt', '.hidden.lua']) writeFileSync(join(folder, name), '')
    expect(await at(`.load ${folder}/`)).toEqual([`${folder}/lib/`, `${folder}/main.lua`])
    expect(await at(`.load ${folder}/ma`)).toEqual([`${folder}/main.lua`])
    expect(await at('.load /no/such/folder/')).toEqual([])
  })

  it('knows the words of JavaScript', async () => {
    const { at } = completer({ '': names('name', 'balances'), balances: names('name', 'get', 'set') }, jsLanguage)
    expect(await at('const x = ba')).toEqual(['balances'])
    expect(await at('balances.g')).toEqual(['get'])
    expect(await at('awa')).toEqual(['await'])
  })
})
