import { describe, expect, it } from 'vitest'
import { type Command, closest, commandHelp, helpText, parseCommand } from './command.ts'

const command: Command = {
  name: 'weave',
  usage: '<thread> [options]',
  summary: 'Weave a thread',
  wordsMax: 1,
  options: {
    colour: { type: 'string', short: 'c', value: 'name', help: 'colour of the thread' },
    tag: { type: 'string', multiple: true, help: 'may be repeated' },
    fast: { type: 'boolean', help: 'hurry' },
  },
  examples: ['heddle weave wool'],
  run: async () => 0,
}

describe('the words of a command', () => {
  it('are options and others', () => {
    const { positionals, values } = parseCommand(command, ['wool', '-c', 'red', '--tag=a', '--tag', 'b', '--fast'])
    expect(positionals).toEqual(['wool'])
    expect({ ...values }).toEqual({ colour: 'red', tag: ['a', 'b'], fast: true })
  })

  it.each([
    [['a', 'b'], '"b" is one word too many; text with spaces goes between quotes'],
    [['--color', 'red'], `Unknown option '--color'; did you mean --colour?`],
    [['--loom'], `Unknown option '--loom'`],
    [['--colour'], `Option '-c, --colour <value>' argument missing`],
    [['--fast=no'], `Option '--fast' does not take an argument`],
  ])('%j is refused', (words, problem) => {
    expect(() => parseCommand(command, words)).toThrow(problem)
  })

  it('may be ids that begin with a dash', () => {
    const id = '-HED6GgLM0ixyufpye5tHbawN7_fYN2F3oQ_IBZxXOw'
    const { positionals, values } = parseCommand(command, [id, '-c', id, '--tag', id, `--tag=${id}`])
    expect(positionals).toEqual([id])
    expect({ ...values }).toEqual({ colour: id, tag: [id, id] })
  })

  it('may ask for help whatever else they are', () => {
    expect(parseCommand(command, ['a', 'b', '--help']).values['help']).toBe(true)
  })
})

describe('help', () => {
  it('shows every option in line with the others', () => {
    const lines = helpText(command).split('\n')
    expect(lines).toContain('  -c, --colour <name>  colour of the thread')
    expect(lines).toContain('      --fast           hurry')
    expect(lines).toContain('      --json           print one JSON value for programs, nothing else')
    expect(commandHelp(command)).toMatchObject({
      usage: 'heddle weave <thread> [options]',
      options: [{ option: '-c, --colour <name>' }, {}, {}, {}, {}],
    })
  })
})

describe('a word that nothing is called', () => {
  it.each([
    ['statr', 'start'],
    ['qeury', 'query'],
    ['uplaod', 'upload'],
    ['docter', 'doctor'],
    ['xyz', null],
    ['', null],
  ])('%s probably means %s', (word, meant) => {
    expect(closest(word, ['start', 'query', 'upload', 'doctor'])).toBe(meant)
  })
})
