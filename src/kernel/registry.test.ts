import { describe, expect, it } from 'vitest'
import type { AnyKeyFunction, Device, KeyFunction } from './device.ts'
import { NOT_FOUND } from './outcomes.ts'
import { type Callee, createRegistry } from './registry.ts'

const answer =
  (value: string): KeyFunction =>
  () => ({ status: 'ok', value })
const answerKey =
  (name: string): AnyKeyFunction =>
  (key) => ({ status: 'ok', value: `${name} ${key}` })

const base: Device = { name: 'base@1.0', keys: { keys: answer('base keys'), set: answer('base set') }, fallback: answerKey('read') }

function find(devices: readonly Device[], device: string | undefined, key: string): Callee & { answer: unknown } {
  const callee = createRegistry([base, ...devices], 'base@1.0').find(device, key)
  const outcome =
    callee.byName === null ? callee.byKey!(key, new Map(), new Map(), null as never) : callee.byName(new Map(), new Map(), null as never)
  return { ...callee, answer: (outcome as { value: unknown }).value }
}

describe('which function answers', () => {
  it('is the default device’s where the base names none', () => {
    expect(find([], undefined, 'keys')).toMatchObject({ answer: 'base keys', isPlainRead: false })
    expect(find([], undefined, 'a')).toMatchObject({ answer: 'read a', isPlainRead: true })
  })

  it('is the function of that name, however it is written', () => {
    const device: Device = { name: 'd@1.0', keys: { 'do-thing': answer('done') } }
    for (const key of ['do-thing', 'do_thing', 'Do-Thing', 'DO_THING']) expect(find([device], 'd@1.0', key).answer, key).toBe('done')
    expect(find([device], 'D@1.0', 'do-thing').answer).toBe('done')
    expect(find([device], 'd@1.0', 'dothing')).toMatchObject({ answer: 'read dothing', isPlainRead: true })
    const capital: Device = { name: 'd@1.0', keys: { Do_Thing: answer('done') } }
    expect(find([capital], 'd@1.0', 'do-thing').answer).toBe('done')
  })

  it('is the handler before any function', () => {
    const device: Device = { name: 'd@1.0', keys: { a: answer('function') }, handler: answerKey('handler') }
    expect(find([device], 'd@1.0', 'a').answer).toBe('handler a')
    expect(find([device], 'd@1.0', 'Keys').answer).toBe('handler Keys')
  })

  it('is the fallback after them, a function or a device', () => {
    const device: Device = { name: 'd@1.0', keys: { a: answer('function') }, fallback: answerKey('fallback') }
    expect(find([device], 'd@1.0', 'a').answer).toBe('function')
    expect(find([device], 'd@1.0', 'Keys')).toMatchObject({ answer: 'fallback Keys', isPlainRead: false })
    const further: Device = { name: 'f@1.0', fallback: 'd@1.0' }
    expect(find([device, further], 'f@1.0', 'a')).toMatchObject({ answer: 'function', device: further })
    expect(find([device, further], 'f@1.0', 'b')).toMatchObject({ answer: 'fallback b', device: further })
  })

  it('is the default device’s for keys that are excluded or not exported', () => {
    const all = { keys: { keys: answer('own keys'), a: answer('own a') }, fallback: answerKey('fallback') }
    const excluding: Device = { name: 'd@1.0', ...all, excludes: ['keys'] }
    expect(find([excluding], 'd@1.0', 'keys').answer).toBe('base keys')
    expect(find([excluding], 'd@1.0', 'KEYS').answer).toBe('base keys')
    expect(find([excluding], 'd@1.0', 'a').answer).toBe('own a')
    expect(find([excluding], 'd@1.0', 'b').answer).toBe('fallback b')
    const exporting: Device = { name: 'd@1.0', ...all, handler: answerKey('handler'), exports: ['a'] }
    expect(find([exporting], 'd@1.0', 'a').answer).toBe('handler a')
    expect(find([exporting], 'd@1.0', 'keys').answer).toBe('base keys')
    expect(find([exporting], 'd@1.0', 'b')).toMatchObject({ answer: 'read b', isPlainRead: true })
  })

  it('fails for devices that are not here, and for those that only lead to each other', () => {
    expect(() => find([], 'nobody@1.0', 'a')).toThrow(expect.objectContaining({ code: 'device-unknown' }))
    const circle: Device[] = [
      { name: 'a@1.0', fallback: 'b@1.0' },
      { name: 'b@1.0', fallback: 'a@1.0' },
    ]
    expect(() => find(circle, 'a@1.0', 'x')).toThrow(expect.objectContaining({ code: 'device-unknown' }))
    expect(() => find([{ name: 'a@1.0', fallback: 'nobody@1.0' }], 'a@1.0', 'x')).toThrow(
      expect.objectContaining({ code: 'device-unknown' }),
    )
  })

  it('is nothing where even the default device has no answer', () => {
    const registry = createRegistry([{ name: 'bare@1.0', keys: { a: answer('a') } }], 'bare@1.0')
    const callee = registry.find(undefined, 'b')
    expect(callee.isPlainRead).toBe(true)
    expect(callee.byKey!('b', new Map(), new Map(), null as never)).toBe(NOT_FOUND)
  })
})

describe('devices', () => {
  it('have names of their own, and the default one is among them', () => {
    expect(() => createRegistry([base, base], 'base@1.0')).toThrow('two devices are named base@1.0')
    expect(() => createRegistry([base], 'other@1.0')).toThrow('other@1.0')
  })

  it('have keys of their own', () => {
    const device: Device = { name: 'd@1.0', keys: { a: answer('function') } }
    const registry = createRegistry([base, device], 'base@1.0')
    expect(registry.findOwn('d@1.0', 'a')).not.toBeNull()
    expect(registry.findOwn('d@1.0', 'keys')).toBeNull()
    expect(() => registry.findOwn('nobody@1.0', 'a')).toThrow(expect.objectContaining({ code: 'device-unknown' }))
  })
})
