/**
 * The GraphQL schema: the union of what Goldsky's search (arweave.net), ar-io gateways and HyperBEAM serve.
 *
 * Source  ar-io-node and Goldsky schemas, HyperBEAM dev_query; where they differ the laxer type is taken, so that each one's clients validate.
 */
import { buildSchema } from 'graphql'

export const schema = buildSchema(`
type Query {
  "A transaction or data item by id; null when unknown."
  transaction(id: ID!): Transaction
  "Transactions and data items that fit all filters. \`bundledIn: null\`, written out, asks for L1 transactions only."
  transactions(
    ids: [ID!]
    owners: [String!]
    recipients: [String!]
    tags: [TagFilter!]
    bundledIn: [ID!]
    ingested_at: RangeFilter
    block: RangeFilter
    first: Int = 10
    after: String
    sort: SortOrder = HEIGHT_DESC
    parent: [ID!] @deprecated(reason: "Use bundledIn")
  ): TransactionConnection!
  "A block by its hash; null when unknown."
  block(id: String): Block
  blocks(ids: [ID!], height: RangeFilter, first: Int = 10, after: String, sort: SortOrder = HEIGHT_DESC): BlockConnection!
  networkInfo: NetworkInfo
}

input TagFilter {
  "Any name when left out."
  name: String
  "Any value when left out; otherwise one of these."
  values: [String]
  op: TagOperator = EQ
  match: TagMatch = EXACT
}

"Both ends belong to the range."
input RangeFilter {
  min: Int
  max: Int
}

enum TagOperator {
  EQ
  "No tag fits."
  NEQ
}

enum TagMatch {
  EXACT
  "A star stands for any run of characters."
  WILDCARD
  "All words occur, in any case."
  FUZZY_AND
  "At least one word occurs."
  FUZZY_OR
}

enum SortOrder {
  HEIGHT_ASC
  HEIGHT_DESC
  INGESTED_AT_ASC
  INGESTED_AT_DESC
}

type TransactionConnection {
  "How many fit, whatever page is asked for; null when counting takes too long."
  count: String
  pageInfo: PageInfo!
  edges: [TransactionEdge!]!
}

type TransactionEdge {
  cursor: String!
  node: Transaction!
}

type BlockConnection {
  pageInfo: PageInfo!
  edges: [BlockEdge!]!
}

type BlockEdge {
  cursor: String!
  node: Block!
}

type PageInfo {
  hasNextPage: Boolean!
}

type Transaction {
  id: ID!
  anchor: String!
  signature: String!
  signatureType: Int
  recipient: String!
  owner: Owner!
  fee: Amount!
  quantity: Amount!
  data: MetaData!
  tags: [Tag!]!
  "Null while pending."
  block: Block
  "Unix seconds at which this node saw it first."
  ingested_at: Int
  parent: Parent @deprecated(reason: "Use bundledIn")
  bundledIn: Bundle
  "The receipt of the upload, if this node gave one."
  receipt: Receipt
}

type Owner {
  address: String!
  key: String!
}

type Amount {
  winston: String!
  ar: String!
}

type MetaData {
  size: String!
  type: String
}

type Tag {
  name: String!
  value: String!
}

type Parent {
  id: ID!
}

type Bundle {
  id: ID!
}

type Receipt {
  signature: String
  "Unix milliseconds."
  timestamp: String
  version: String
  deadlineHeight: Int
}

type Block {
  id: ID
  "Unix seconds."
  timestamp: Int
  height: Int!
  previous: ID
}

type NetworkInfo {
  height: Int
}
`)
