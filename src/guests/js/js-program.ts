/**
 * Programs of the module format `heddle-js-1`: one ES module, or a few that import each other; TypeScript once its types are stripped.
 *
 * Invariants  The module runs once, in a template; each process is a copy of it that is then told its environment and the seed of
 *             Math.random. Nothing but the process id, the messages and the module decides what a process computes.
 *             What is in memory between messages is the state: variables, and also handlers that wait for an answer.
 */
import type { TxId } from '../../base/ids.ts'
import type { GuestEnv, GuestInstance, GuestLimits, GuestModule, GuestProgram } from '../guest.ts'
import { unpackSnapshot } from '../snapshot.ts'
import { started, TemplateInstance } from '../template-instance.ts'
import { METER_VERSION } from '../wasm/meter.ts'
import { ImageBuffer, type StateImage } from '../wasm/state-image.ts'
import { JS_BINARY_SHA256 } from './js-binary.ts'
import { JsMachine } from './js-machine.ts'
import { JS_FORMAT, type JsSource, ownSource, readJsSource } from './js-source.ts'

export function prepareJsProgram(module: GuestModule, limits: GuestLimits): GuestProgram {
  const source = readJsSource(module)
  const engine = `quickjs-ng:${JS_BINARY_SHA256.slice(0, 16)}:meter-${METER_VERSION}:prelude-${ownSource().version}`
  const origin = { module: module.id, format: JS_FORMAT, engine }
  const machine = new JsMachine(source, limits)
  started(module.id, () => machine.start())
  const template = machine.capture(new ImageBuffer())
  const from = (image: StateImage, fresh: { readonly id: TxId; readonly env: GuestEnv } | null): GuestInstance => {
    const own = new JsMachine(source, limits)
    own.apply(image)
    if (fresh !== null) started(module.id, () => own.identify(fresh.id, fresh.env))
    return new TemplateInstance(own, { origin, template }, (message) => own.handle(message))
  }
  return {
    module: module.id,
    spawn: (id, env) => from(template, { id, env }),
    thaw: (snapshot) => from(unpackSnapshot(snapshot, origin, limits.memoryBytesMax, template), null),
  }
}

/** Loads a program as a process would, for its errors: throws GuestFault when it does not start. Its files are asked for on the way. */
export function tryJsSource(source: JsSource, limits: GuestLimits): void {
  new JsMachine(source, limits).start()
}
