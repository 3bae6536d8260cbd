/**
 * Tables of the query index, and how a connection is opened.
 *
 * A *term* is anything a filter can name: a tag (name and value), an owner, a recipient, a parent, or "is an L1 transaction". Terms are numbered; each has a
 * list of the rows that carry it (a posting list), in the order in which GraphQL answers. Mined rows are listed by sort key, which never changes while
 * they stay mined; pending rows by row number in a small table of their own, since all of them will move.
 */
import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { errorText, HeddleError } from '../../base/errors.ts'

/** Raise it when a table changes: an index of another version is emptied, and the journal fills it again. */
const VERSION = 1
const WRITER_CACHE_KIB = 64 * 1024
const READER_CACHE_KIB = 16 * 1024 // they read through the mapped file
const MMAP_BYTES = 1024 * 1024 * 1024
const CHECKPOINT_PAGES = 8_000
const WAL_BYTES_KEPT = 64 * 1024 * 1024 // it grows beyond while a long query holds its snapshot
const BUSY_MS = 10_000

/** Kinds of terms that are not tags have negative name numbers. */
export const OWNER = -1
export const RECIPIENT = -2
export const PARENT = -3
export const KIND = -4
/** Term of every pending row. */
export const TERM_ALL = 0
/** Term of every L1 transaction, the only one of its kind. */
export const TERM_L1 = 1
export const TERM_FIRST = 2

const TABLES = `
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER, next_row INTEGER, next_term INTEGER, next_name INTEGER, row_count INTEGER, pending_count INTEGER);
INSERT INTO state VALUES (1, 0, 1, ${TERM_FIRST}, 1, 0, 0);
-- What never changes about a row, as row-codec.ts packs it.
CREATE TABLE body (r INTEGER PRIMARY KEY, id BLOB NOT NULL, bytes BLOB NOT NULL);
-- What does: sk and since (journal position when it was mined) are null while pending; parent is a term or 0; terms are u32 each.
CREATE TABLE place (r INTEGER PRIMARY KEY, sk INTEGER, since INTEGER, parent INTEGER NOT NULL, is_parent INTEGER NOT NULL, front INTEGER NOT NULL, ingested INTEGER NOT NULL, terms BLOB NOT NULL);
CREATE TABLE mined (sk INTEGER PRIMARY KEY, r INTEGER NOT NULL);
CREATE TABLE ident (front INTEGER, r INTEGER, PRIMARY KEY (front, r)) WITHOUT ROWID;
CREATE TABLE seen (ingested INTEGER, front INTEGER, r INTEGER, PRIMARY KEY (ingested, front, r)) WITHOUT ROWID;
CREATE TABLE name (text BLOB PRIMARY KEY, n INTEGER NOT NULL, row_count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE term (n INTEGER, text BLOB, p INTEGER NOT NULL, row_count INTEGER NOT NULL, PRIMARY KEY (n, text)) WITHOUT ROWID;
INSERT INTO term VALUES (${KIND}, x'', ${TERM_L1}, 0);
-- Of an owner's term the public key, of a parent's the id.
CREATE TABLE meaning (p INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE fresh (p INTEGER, r INTEGER, PRIMARY KEY (p, r)) WITHOUT ROWID;
CREATE TABLE posting (p INTEGER, sk INTEGER, PRIMARY KEY (p, sk)) WITHOUT ROWID;
-- Parents of items that have no row yet, and second parents of items that have one.
CREATE TABLE edge (seq INTEGER PRIMARY KEY, child BLOB NOT NULL, parent BLOB NOT NULL);
CREATE UNIQUE INDEX edge_child ON edge (child, parent);
CREATE INDEX edge_parent ON edge (parent);
-- Parents that were named before their own row came.
CREATE TABLE absent (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE block (height INTEGER PRIMARY KEY, hash BLOB NOT NULL, previous BLOB NOT NULL, timestamp INTEGER NOT NULL);
CREATE UNIQUE INDEX block_hash ON block (hash);
CREATE TABLE root (sk INTEGER PRIMARY KEY, id BLOB NOT NULL);
CREATE INDEX root_id ON root (id);
`

/** The writer's connection; makes the tables, and starts anew when the file is damaged or of another version. */
export function openForWriting(file: string): DatabaseSync {
  try {
    return prepare(file)
  } catch (error) {
    if (file === ':memory:' || !isDamaged(error)) throw failed(file, error)
    removeFiles(file)
    return prepare(file)
  }
}

export function openForReading(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file, { readOnly: true })
    tune(db, READER_CACHE_KIB)
    return db
  } catch (error) {
    throw failed(file, error)
  }
}

export function createTables(db: DatabaseSync): void {
  db.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${VERSION}; COMMIT`)
}

/** Drops every table and makes them again, as one transaction. */
export function emptyTables(db: DatabaseSync): void {
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
  const drops = tables.map(({ name }) => `DROP TABLE "${name}";`).join(' ')
  db.exec(`BEGIN; ${drops} ${TABLES} PRAGMA user_version = ${VERSION}; COMMIT`)
}

function prepare(file: string): DatabaseSync {
  const db = new DatabaseSync(file)
  // Without WAL the readers would wait for the writer. NORMAL syncs at checkpoints only: the file stays whole, and the journal brings back what was lost.
  db.exec(
    `PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`,
  )
  tune(db, WRITER_CACHE_KIB)
  const version = db.prepare('PRAGMA user_version').get()?.['user_version']
  if (version === 0) createTables(db)
  else if (version !== VERSION) emptyTables(db)
  return db
}

function tune(db: DatabaseSync, cacheKib: number): void {
  db.exec(
    `PRAGMA cache_size = -${cacheKib}; PRAGMA mmap_size = ${MMAP_BYTES}; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = ${BUSY_MS}`,
  )
}

function isDamaged(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode
  return code === 11 || code === 26 // SQLITE_CORRUPT, SQLITE_NOTADB
}

function removeFiles(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
}

function failed(file: string, error: unknown): HeddleError {
  return new HeddleError('store-failed', { what: file }, `cannot open the query index ${file}: ${errorText(error)}`, { cause: error })
}
