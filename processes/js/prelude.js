/**
 * prelude: the border between a JavaScript process and its host, and what makes JavaScript give the same results everywhere.
 *
 * Wire        A script whose value is a function; the host calls it with its own `evaluate(source, name, how)` and calls what it gives:
 *             load(name) · identify(env, seed) · handle(message, beside, ...bytes) · finish() · bytesAt(index) · rejected(promise, reason,
 *             isHandled) · fieldsAsJson() · forget()
 *             handle() starts a message; the host then runs all jobs; finish() gives the reply. It begins with
 *             {  JSON of {Output, Messages, Spawns, Assignments, Error, Bytes?}: what an exported `handle` returned
 *             =  the count of the fields that outbox.js lists, and all of them joined by NUL; should one hold a NUL, fieldsAsJson() gives them
 *             !  a letter for the kind of failure (e error, m memory, s stack) and a text
 *             A message is an object for an exported `handle`, and beside it are the paths of its bytes; else, unless it holds a NUL, it is the
 *             text that message.js reads, and beside it is the JSON of its other fields.
 *             Bytes within JSON are {"\0bytes": index}, their count is Bytes; bytesAt gives the content.
 * Invariants  No clock but the message's time, no randomness but a generator seeded from the process and the message.
 *             What is used here after programs ran is captured before.
 */
;(evaluate) => {
  const { stringify } = JSON
  const { defineProperty } = Object
  const { isArray } = Array
  const imul = Math.imul
  const PreludeMap = Map
  const PreludePromise = Promise
  const BYTES = '\0bytes'

  // Randomness ------------------------------------------------------------------------------------------------------------------
  let a = 0
  let b = 0
  let c = 0
  let counter = 1
  /** The id of the message that was mixed in last. */
  let mixed = ''

  function mixIn(text) {
    for (let i = 0; i < text.length; i++) {
      a = imul(a ^ text.charCodeAt(i), 0x01000193) | 0
      draw()
    }
  }

  /** Chris Doty-Humphrey's "small fast counting" generator of 32 bits. */
  function draw() {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  function define(object, name, value) {
    defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false })
  }

  define(Math, 'random', function random() {
    if (internals.messageId !== mixed) {
      mixed = internals.messageId
      mixIn(mixed)
    }
    return ((draw() >>> 5) * 0x4000000 + (draw() >>> 6)) / 0x20000000000000
  })
  delete globalThis.SharedArrayBuffer // Memory shared between threads: there is one.

  // Values that JSON does not know --------------------------------------------------------------------------------------------------
  let isReplying = false
  /** Of the last reply, until the next message or forget(). */
  let fields = []

  /** Amounts are bigints; in JSON they are decimal text, as AO has them. */
  define(BigInt.prototype, 'toJSON', function toJSON() {
    return this.toString()
  })
  define(Uint8Array.prototype, 'toJSON', function toJSON() {
    if (!isReplying) return { ...this }
    return { [BYTES]: keepBytes(this) }
  })

  function keepBytes(bytes) {
    const { bytesOut } = internals
    bytesOut[bytesOut.length] = bytes
    return bytesOut.length - 1
  }

  function putBytes(message, path, bytes) {
    let at = message
    for (let i = 0; i < path.length - 1; i++) at = at[path[i]]
    at[path[path.length - 1]] = bytes
  }

  // Errors ------------------------------------------------------------------------------------------------------------------------
  const ERROR_TEXT_MAX = 16384
  const OWN_FRAME = /^ *at .*\(?(?:heddle:|heddle\/)[^)]*\)?$/
  const HIDDEN_FRAMES = /^ *at .*\(native\)$/

  /** The frames of the program itself. */
  function traceOf(error) {
    if (typeof error.stack !== 'string') return ''
    const frames = error.stack.split('\n').filter((line) => line !== '' && !OWN_FRAME.test(line) && !HIDDEN_FRAMES.test(line))
    return frames.map((line) => `\n${line.trimEnd()}`).join('')
  }

  function isError(value) {
    return value instanceof Error || (typeof value === 'object' && value !== null && 'message' in value && 'stack' in value)
  }

  function describe(error, depth = 0) {
    if (!isError(error)) return depth === 0 ? `uncaught ${inspect(error)}` : inspect(error)
    const cause = error.cause === undefined || depth > 4 ? '' : `\n  caused by ${describe(error.cause, depth + 1)}`
    return `${error.name}: ${error.message}${traceOf(error)}${cause}`
  }

  function failureOf(error) {
    const kind = error instanceof InternalError && error.message === 'out of memory' ? 'm' : isOverflow(error) ? 's' : 'e'
    let text
    try {
      text = describe(error)
    } catch {
      text = 'an error that cannot be shown'
    }
    return `!${kind}${text.length > ERROR_TEXT_MAX ? `${text.slice(0, ERROR_TEXT_MAX)}…` : text}`
  }

  function isOverflow(error) {
    return error instanceof RangeError && error.message === 'Maximum call stack size exceeded'
  }

  // Messages ----------------------------------------------------------------------------------------------------------------------
  /** What process.js and the program set: how a message is handled. */
  const internals = {
    evaluate,
    describe,
    stringify,
    env: null,
    /** (message, env) -> result or promise of it. Null until the program is loaded. */
    receive: null,
    /** Gives the fields of the reply once a message has come to rest; null for programs that export `handle`, which return theirs. */
    collect: null,
    messageId: '',
    bytesOut: [],
    keepBytes,
    /** Handlers that have not ended: promises. */
    running: 0,
    /** Promises that a later message settles. */
    waiting: 0,
    inspect: (value) => String(value),
    printed: [],
  }
  const inspect = (value) => internals.inspect(value)
  const rejections = new PreludeMap()
  let result
  let failure = null
  /** False while the module loads. */
  let isMessage = false

  function start(run) {
    result = undefined
    failure = null
    fields = []
    internals.printed = []
    internals.bytesOut = []
    try {
      const answer = run()
      if (answer instanceof PreludePromise) track(answer)
      else result = answer
    } catch (error) {
      failure = { error }
    }
  }

  /** A failure belongs to the message during which it happens, which may be a later one. */
  function track(promise) {
    internals.running += 1
    promise.then(
      (value) => {
        internals.running -= 1
        if (value !== undefined) result = value
      },
      (error) => {
        internals.running -= 1
        failure ??= { error }
      },
    )
  }

  function listOf(value, name) {
    if (value === undefined || value === null) return []
    if (!isArray(value)) throw new TypeError(`the result's ${name} is ${inspect(value)}, expected an array`)
    return value
  }

  function reply() {
    const value = result
    if (value !== undefined && (typeof value !== 'object' || value === null))
      throw new TypeError(`handle returned ${inspect(value)}, expected an object with Output, Messages, Spawns, Assignments or Error`)
    const { Output, Messages, Spawns, Assignments, Error: reported } = value ?? {}
    isReplying = true
    try {
      const text = stringify({
        Output: Output ?? internals.printed.join('\n'),
        Messages: listOf(Messages, 'Messages'),
        Spawns: listOf(Spawns, 'Spawns'),
        Assignments: listOf(Assignments, 'Assignments'),
        Error: reported,
      })
      const count = internals.bytesOut.length
      return count === 0 ? text : `{"Bytes":${count},${text.slice(1)}`
    } finally {
      isReplying = false
    }
  }

  function joined() {
    fields = internals.collect()
    return `=${fields.length}\0${fields.join('\0')}`
  }

  function finish() {
    try {
      if (failure !== null) return failureOf(failure.error)
      for (const reason of rejections.values()) return failureOf(reason)
      if (internals.running > 0 && internals.waiting === 0)
        throw new Error('a promise never settles: the handler waits for something that no message, timer or answer will bring')
      return isMessage && internals.collect !== null ? joined() : reply()
    } catch (error) {
      return failureOf(error)
    } finally {
      isMessage = false
      failure = null
      result = undefined
      rejections.clear()
    }
  }

  return [
    function load(name) {
      start(() => {
        if (name === 'heddle/process') globalThis.heddle = internals // Until it is loaded; nobody else gets it.
        return import(name).then((namespace) => {
          delete globalThis.heddle
          if (name === 'heddle/process') return undefined
          internals.main = namespace
          if (typeof namespace.handle !== 'function') return undefined
          internals.receive = namespace.handle
          internals.collect = null
          return { Output: 'handle' } // So that the host gives it messages as objects.
        })
      })
    },
    function identify(env, seed) {
      internals.env = env
      a = seed[0] | 0
      b = seed[1] | 0
      c = seed[2] | 0
      start(() => {})
    },
    function handle(message, beside, ...bytes) {
      isMessage = true
      if (typeof message === 'string') return start(() => internals.receive(message, beside, bytes[0]))
      for (let i = 0; i < bytes.length; i++) putBytes(message, beside[i], bytes[i])
      internals.messageId = typeof message.Id === 'string' ? message.Id : ''
      start(() => internals.receive(message, internals.env))
    },
    finish,
    function bytesAt(index) {
      return internals.bytesOut[index]
    },
    function rejected(promise, reason, isHandled) {
      if (isHandled) rejections.delete(promise)
      else rejections.set(promise, reason)
    },
    function fieldsAsJson() {
      return stringify(fields)
    },
    function forget() {
      fields = []
      internals.bytesOut = []
    },
  ]
}
