/** How much one request may ask for: a small query text can name a large answer, by aliases and fragments. */
import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql'
import { HeddleError } from '../../base/errors.ts'
import { GRAPHQL_FIELDS_MAX } from '../../base/limits.ts'

/** Fields that a document selects: for each row, and within it for each tag of the row. */
export interface Weight {
  readonly perRow: number
  readonly perTag: number
}

/** Counts the fields of an answer before they are made. */
export class Effort {
  readonly #weight: Weight
  #fields = 0

  constructor(weight: Weight) {
    this.#weight = weight
  }

  /** Throws `limit-reached` when these rows and tags would make the answer too large. */
  spend(rows: number, tags = 0): void {
    this.#fields += rows * this.#weight.perRow + tags * this.#weight.perTag
    if (this.#fields <= GRAPHQL_FIELDS_MAX) return
    throw new HeddleError(
      'limit-reached',
      { what: 'fields of an answer', max: GRAPHQL_FIELDS_MAX },
      `the answer would have ${this.#fields} fields or more, at most ${GRAPHQL_FIELDS_MAX} are allowed; select less or ask for fewer rows`,
    )
  }
}

/** The weight of the heaviest root field of a valid document, fragments written out. */
export function weightOf(document: DocumentNode): Weight {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  const known = new Map<string, Weight>()
  const weigh = (set: SelectionSetNode | undefined): Weight => {
    let [perRow, perTag] = [0, 0]
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        const inner = weigh(selection.selectionSet)
        const isTags = selection.name.value === 'tags'
        perRow += isTags ? 1 : 1 + inner.perRow
        perTag += isTags ? 1 + inner.perRow : inner.perTag
      } else {
        const part = selection.kind === Kind.INLINE_FRAGMENT ? weigh(selection.selectionSet) : weighFragment(selection.name.value)
        perRow += part.perRow
        perTag += part.perTag
      }
    }
    return { perRow, perTag }
  }
  const weighFragment = (name: string): Weight => {
    const weight = known.get(name) ?? weigh(fragments.get(name)?.selectionSet)
    known.set(name, weight)
    return weight
  }
  const rootWeights = (set: SelectionSetNode): Weight[] =>
    set.selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [weigh(selection.selectionSet)]
      return rootWeights(
        selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet : fragments.get(selection.name.value)!.selectionSet,
      )
    })
  const weights = document.definitions.flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? rootWeights(one.selectionSet) : []))
  return { perRow: Math.max(1, ...weights.map(({ perRow }) => perRow)), perTag: Math.max(0, ...weights.map(({ perTag }) => perTag)) }
}
