import { expect, it } from 'vitest'
import { Gates } from './gates.ts'

function doorstep(): { wait: Promise<void>; open: () => void } {
  const { promise: wait, resolve: open } = Promise.withResolvers<void>()
  return { wait, open }
}

it('many pass side by side; who is alone waits for them, and keeps the next ones waiting', async () => {
  const gates = new Gates()
  const order: string[] = []
  const [first, second, inside] = [doorstep(), doorstep(), doorstep()]
  const passing = [first, second].map(({ wait }, i) => gates.pass('a', () => wait.then(() => order.push(`passed ${i}`))))
  const alone = gates.alone('a', async () => {
    order.push('alone')
    await inside.wait
  })
  const late = gates.pass('a', async () => order.push('late'))
  const elsewhere = gates.pass('b', async () => order.push('elsewhere'))
  await elsewhere
  second.open()
  await passing[1]
  expect(order).toEqual(['elsewhere', 'passed 1'])
  first.open()
  await passing[0]
  inside.open()
  await Promise.all([alone, late])
  expect(order).toEqual(['elsewhere', 'passed 1', 'passed 0', 'alone', 'late'])
})

it('is open again after work that failed', async () => {
  const gates = new Gates()
  await expect(gates.pass('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(gates.alone('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  const turns = await Promise.all([gates.alone('a', async () => 1), gates.alone('a', async () => 2), gates.pass('a', async () => 3)])
  expect(turns).toEqual([1, 2, 3])
})
