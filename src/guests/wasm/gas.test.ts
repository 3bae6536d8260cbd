import { describe, expect, it } from 'vitest'
import { buildWasm, op } from '../../../test/wasm-builder.ts'
import { GuestFault } from '../guest.ts'
import { GasMeter } from './gas.ts'
import { meterModule } from './meter.ts'

/** `run` calls the import, catches all that comes through it, and then loops for as long as it is told. */
const CODE = buildWasm({
  imports: [
    { module: 'host', name: 'ask' },
    { module: 'metering', name: 'usegas', params: ['i32'] },
  ],
  functions: [
    {
      export: 'run',
      params: ['i32'],
      code: [
        ...[...op.i32(50), ...op.call(1), 0x06, 0x40, ...op.call(0), 0x19, 0x0b],
        ...[0x03, 0x40, ...op.get(0), ...op.i32(1), 0x6b, 0x22, 0, ...op.i32(0), 0x4a, 0x0d, 0, 0x0b],
      ],
    },
    { export: 'deep', code: op.call(3) },
  ],
})

function load(
  ask: (gas: GasMeter) => void,
  legacyGasMax?: number,
): { readonly gas: GasMeter; call(name: 'run' | 'deep', turns?: number): void } {
  const legacyGas = legacyGasMax === undefined ? {} : { legacyGas: { source: 'import', gas: 0n } as const }
  const { bytes } = meterModule(CODE, { module: 'test', memoryBytesMax: 0, gas: 0n, ...legacyGas })
  let gas: GasMeter | null = null
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    host: { ask: () => ask(gas!) },
    metering: { usegas: () => undefined },
  })
  gas = new GasMeter(exports, { gasMax: 1_000_000, ...(legacyGasMax === undefined ? {} : { legacyGasMax }) })
  gas.refill()
  return { gas, call: (name, turns = 1) => (exports[name] as (turns: number) => void)(turns) }
}

/** What the host makes of a call. */
function outcome({ gas, call }: ReturnType<typeof load>, ...args: Parameters<typeof call>): unknown {
  try {
    call(...args)
    gas.stopIfEmpty()
    return 'done'
  } catch (thrown) {
    return gas.faultOf(thrown)
  }
}

describe('the counters of an instance', () => {
  it('count the guest, and bytes that the host moves for it', () => {
    const plain = load((gas) => gas.chargeBytes(6400))
    expect(outcome(plain, 'run', 10)).toBe('done')
    expect(plain.gas.used).toBe(1 + 10 + 201)
    plain.gas.refill()
    expect(plain.gas.used).toBe(0)
  })

  it.each([0, 31, 32, -5, 1e300, Number.POSITIVE_INFINITY, Number.NaN])('charge for %d bytes without failing themselves', (size) => {
    const plain = load((gas) => gas.chargeBytes(size))
    const result = outcome(plain, 'run')
    if (size < 1e6) expect(plain.gas.used).toBe(2 + (size === 32 ? 2 : 1))
    else expect(result).toMatchObject({ kind: 'gas', message: 'out of gas: limit 1000000' })
  })

  it('stay used up, however much is charged then', () => {
    const stubborn = load((gas) => {
      for (let i = 0; i < 100; i++) expect(() => gas.charge(2 ** 62)).toThrow('out of gas')
    })
    expect(outcome(stubborn, 'run')).toMatchObject({ kind: 'gas' })
    expect(stubborn.gas.isEmpty).toBe(true)
  })

  it('report the gas of the first network where the module counts it', () => {
    const legacy = load(() => undefined, 1000)
    expect(outcome(legacy, 'run')).toBe('done')
    expect([legacy.gas.used, legacy.gas.legacyUsed, legacy.gas.coarseUsed]).toEqual([50, 50, 2])
    expect(
      outcome(
        load(() => undefined, 49),
        'run',
      ),
    ).toMatchObject({ kind: 'gas', message: 'out of gas: limit 49' })
    expect(
      outcome(
        load(() => undefined, 50),
        'run',
      ),
    ).toBe('done')
  })

  it('take what imports of other types charge', () => {
    const legacy = load((gas) => gas.usegas(7.9), 1000)
    outcome(legacy, 'run')
    expect(legacy.gas.used).toBe(57)
    const back = load((gas) => gas.usegas(-5000n), 1000)
    outcome(back, 'run')
    expect(back.gas.used).toBe(0)
  })

  it('end a call that the host gave up, though the guest catches everything', () => {
    const halted = load((gas) => gas.halt(new GuestFault('error', 'no such thing')))
    expect(outcome(halted, 'run', 1_000_000_000)).toMatchObject({ kind: 'error', message: 'no such thing' })
    expect(halted.gas.used).toBe(1)
    halted.gas.refill()
    expect(halted.gas.isEmpty).toBe(false)
  })

  it('say the same of endless recursion on every machine', () => {
    const { bytes } = meterModule(CODE, { module: 'test', memoryBytesMax: 0, gas: 0n })
    const imports = { host: { ask: () => undefined }, metering: { usegas: () => undefined } }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
    const gas = new GasMeter(exports, { gasMax: 2 ** 50 })
    gas.refill()
    expect(outcome({ gas, call: () => (exports['deep'] as () => void)() }, 'deep')).toMatchObject({ kind: 'stack' })
    expect(gas.used).toBe(2 ** 50) // Not how deep this one is.
  })

  it("leave what is not the guest's doing as it is", () => {
    const { gas } = load(() => undefined)
    const bug = new TypeError('a bug of the host')
    expect(gas.faultOf(bug)).toBe(bug)
    expect(gas.faultOf(new WebAssembly.RuntimeError('unreachable'))).toMatchObject({ kind: 'trap' })
  })
})
