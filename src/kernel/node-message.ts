/** The node's own options as a message, and the one way to change them. `services/ao-core/node-message.ts` keeps them. */
import type { Message, Value } from '../codec/message/value.ts'

export interface NodeMessage {
  /** As others may see them: without private keys. The same map until they change, since every resolution looks at it. */
  readonly options: Message
  /** Also private ones; undefined when not set. */
  get(option: string): Value | undefined
  /** Is the request signed by who operates this node? Its commitments must have been verified. */
  isOperator(request: Message): boolean
  /**
   * Takes the keys of a request by the operator as options, durably, and notes it in the history.
   * Fails with `not-allowed` for others, for a request that was taken before, and for a node that is `permanent`.
   */
  update(request: Message): Promise<{ readonly updates: number }>
}
