/**
 * The same text with memory of its own. A slice of a text keeps all of that text in memory for as long as the slice lives,
 * so what comes out of a large body and may stay for long, such as in a cache, must be copied.
 */

/** JavaScript engines copy slices that are shorter than this by themselves. */
const SLICED_LENGTH_MIN = 13

export function ownText(slice: string): string {
  return slice.length < SLICED_LENGTH_MIN ? slice : `${slice} `.slice(0, -1) // Slicing makes one flat text of the two, and shares only that.
}
