/** The part of the WebAssembly JavaScript interface that the guests use; the compiler knows it only together with a browser's whole DOM. */
declare namespace WebAssembly {
  type ExportValue = Memory | Table | Global<'i32'> | Global<'i64'> | ((...args: never[]) => unknown)
  type Exports = Readonly<Record<string, ExportValue>>
  type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>

  class Module {
    constructor(bytes: Uint8Array)
    static imports(module: Module): readonly { readonly module: string; readonly name: string; readonly kind: string }[]
    static exports(module: Module): readonly { readonly name: string; readonly kind: string }[]
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    constructor(descriptor: { readonly initial: number })
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  class Table {
    get(index: number): unknown
  }
  class Global<Type extends 'i32' | 'i64'> {
    value: Type extends 'i64' ? bigint : number
  }
  class RuntimeError extends Error {}
  class CompileError extends Error {}
  class LinkError extends Error {}
  class Exception {}
  function validate(bytes: Uint8Array): boolean
}
