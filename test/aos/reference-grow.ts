/**
 * The reference loader grows 64-bit memories by a fraction of a number; from V8 13 on they take a bigint. For processes that run nothing else, since
 * it changes what all of them share.
 */
export function allowNumbersInGrow(): void {
  const { prototype } = WebAssembly.Memory
  const grow = Reflect.get(prototype, 'grow') as (this: WebAssembly.Memory, pages: number | bigint) => number | bigint
  prototype.grow = function (pages: number): number {
    try {
      return Number(grow.call(this, pages))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return Number(grow.call(this, BigInt(Math.floor(pages))))
    }
  }
}
