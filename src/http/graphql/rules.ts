/**
 * How documents are made to fit and what is refused: validation beside the rules of GraphQL itself.
 *
 * Clients were written against different schemas. `BlockFilter` (ar-io, ArLocal) and `RangeFilter` (Goldsky) name the same input, so the one is renamed to
 * the other before validation; ID and String variables may stand in each other's place.
 */
import {
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLType,
  isListType,
  isNonNullType,
  Kind,
  type SelectionSetNode,
  specifiedRules,
  typeFromAST,
  type ValidationContext,
  type ValidationRule,
  VariablesInAllowedPositionRule,
  visit,
} from 'graphql'
import { GRAPHQL_DEPTH_MAX, GRAPHQL_ROOT_FIELDS_MAX } from '../../base/limits.ts'

const RENAMED: Readonly<Record<string, string>> = { BlockFilter: 'RangeFilter' }
const ONE_TYPE = new Set(['ID', 'String'])

export function renameInputTypes(document: DocumentNode): DocumentNode {
  return visit(document, {
    NamedType: (node) => {
      const value = RENAMED[node.name.value]
      return value === undefined ? undefined : { ...node, name: { ...node.name, value } }
    },
  })
}

export const rules: readonly ValidationRule[] = [
  ...specifiedRules.filter((rule) => rule !== VariablesInAllowedPositionRule),
  variablesFit,
  sizeLimits,
]

/** The rule of GraphQL for variables in argument positions, but for ID and String being one type. */
function variablesFit(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition: {
      leave(operation) {
        const definitions = new Map((operation.variableDefinitions ?? []).map((definition) => [definition.variable.name.value, definition]))
        for (const { node, type, defaultValue } of context.getRecursiveVariableUsages(operation)) {
          const definition = definitions.get(node.name.value)
          const declared = definition && typeFromAST(context.getSchema(), definition.type)
          if (!definition || !declared || !type) continue
          const hasDefault =
            (definition.defaultValue !== undefined && definition.defaultValue.kind !== Kind.NULL) || defaultValue !== undefined
          if (fits(declared, withoutNull(type, hasDefault))) continue
          const message = `Variable "$${node.name.value}" of type "${declared}" is used where "${type}" is expected.`
          context.reportError(new GraphQLError(message, { nodes: [definition, node] }))
        }
      },
    },
  }
}

/** A position that has a default takes a variable that may be left out. */
function withoutNull(type: GraphQLInputType, hasDefault: boolean): GraphQLType {
  return hasDefault && isNonNullType(type) ? type.ofType : type
}

function fits(declared: GraphQLType, expected: GraphQLType): boolean {
  if (isNonNullType(expected)) return isNonNullType(declared) && fits(declared.ofType, expected.ofType)
  if (isNonNullType(declared)) return fits(declared.ofType, expected)
  if (isListType(declared) || isListType(expected))
    return isListType(declared) && isListType(expected) && fits(declared.ofType, expected.ofType)
  return declared === expected || (ONE_TYPE.has(String(declared)) && ONE_TYPE.has(String(expected)))
}

/** Depth, fragments being levels too, and the number of root fields. Introspection has its own limit in GraphQL's rules. */
function sizeLimits(context: ValidationContext): ASTVisitor {
  const measured = new Map<string, Size>()
  return {
    OperationDefinition(operation) {
      const { depth, fields } = sizeOf(operation.selectionSet, context, measured, new Set())
      if (depth > GRAPHQL_DEPTH_MAX) refuse(context, `The query is ${depth} levels deep, at most ${GRAPHQL_DEPTH_MAX} are allowed.`)
      if (fields > GRAPHQL_ROOT_FIELDS_MAX)
        refuse(context, `The query has ${fields} root fields, at most ${GRAPHQL_ROOT_FIELDS_MAX} are allowed; send several queries.`)
      return false
    },
  }
}

interface Size {
  readonly depth: number
  readonly fields: number
}

function sizeOf(set: SelectionSetNode, context: ValidationContext, measured: Map<string, Size>, within: ReadonlySet<string>): Size {
  let depth = 0
  let fields = 0
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      fields += 1
      const inner =
        selection.selectionSet && !selection.name.value.startsWith('__')
          ? sizeOf(selection.selectionSet, context, measured, within).depth
          : 0
      depth = Math.max(depth, 1 + inner)
    } else {
      const part =
        selection.kind === Kind.INLINE_FRAGMENT
          ? sizeOf(selection.selectionSet, context, measured, within)
          : sizeOfFragment(context.getFragment(selection.name.value), context, measured, within)
      depth = Math.max(depth, 1 + part.depth)
      fields += part.fields
    }
  }
  return { depth, fields }
}

/** A fragment within itself is GraphQL's to refuse. */
function sizeOfFragment(
  fragment: FragmentDefinitionNode | null | undefined,
  context: ValidationContext,
  measured: Map<string, Size>,
  within: ReadonlySet<string>,
): Size {
  const name = fragment?.name.value
  if (!fragment || name === undefined || within.has(name)) return { depth: 0, fields: 0 }
  const size = measured.get(name) ?? sizeOf(fragment.selectionSet, context, measured, new Set(within).add(name))
  measured.set(name, size)
  return size
}

function refuse(context: ValidationContext, message: string): void {
  context.reportError(new GraphQLError(message))
}
