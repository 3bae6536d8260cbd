/** Files as a guest thread sees them. */
import type { GuestFiles } from './guest.ts'

/** For programs that run where no node is. */
export const noFiles: GuestFiles = {
  open: () => null,
  read: () => new Uint8Array(0),
}
