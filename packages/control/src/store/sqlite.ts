// SPDX-License-Identifier: Apache-2.0

/**
 * The store in one SQLite file: write-ahead log, synchronous=FULL, strict tables, mode 0600.
 *
 * Statements are prepared once. `commit` is one IMMEDIATE transaction.
 *
 * @module
 */

import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { fromHex } from '@signet/codec'
import { ControlError } from '../errors.ts'
import * as columns from './columns.ts'
import { migrations } from './migrations.ts'
import type { AuthorityRow } from './rows.ts'
import type { LastIds, Store, Write } from './store.ts'

/** How long a statement waits for another process, for instance a backup. */
const BUSY_TIMEOUT_MS = 5_000

/**
 * Opens the database at `path` (`:memory:` for tests), bringing its schema up to date.
 *
 * @throws ControlError 'store-failed' when it cannot be opened or was written by a newer version.
 */
export function openSqliteStore(path: string): Store {
  try {
    return new SqliteStore(openDatabase(path))
  } catch (cause) {
    if (cause instanceof ControlError) throw cause
    throw new ControlError('store-failed', `Cannot open the database ${path}: ${reason(cause)}`, {
      cause,
    })
  }
}

function openDatabase(path: string): DatabaseSync {
  if (path !== ':memory:') {
    // Created by us, so that it is never readable by others, not even for an instant.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
  }
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;')
  migrate(db)
  return db
}

function migrate(db: DatabaseSync): void {
  const seen = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  if (seen > migrations.length) {
    throw new ControlError(
      'store-failed',
      `Cannot use a database of a newer version: it has seen ${seen} migrations, this program knows ${migrations.length}`,
    )
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < seen) continue
    db.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT;`)
  }
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #upserts = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  tailnets(): ReturnType<Store['tailnets']> {
    return this.#all('SELECT * FROM tailnets ORDER BY id', []).map(columns.readTailnet)
  }

  users(tailnetId: number): ReturnType<Store['users']> {
    return this.#all('SELECT * FROM users WHERE tailnet_id = ? ORDER BY id', [tailnetId]).map(
      columns.readUser,
    )
  }

  nodes(tailnetId: number): ReturnType<Store['nodes']> {
    return this.#all('SELECT * FROM nodes WHERE tailnet_id = ? ORDER BY id', [tailnetId]).map(
      columns.readNode,
    )
  }

  preAuthKeys(tailnetId: number): ReturnType<Store['preAuthKeys']> {
    return this.#all('SELECT * FROM pre_auth_keys WHERE tailnet_id = ? ORDER BY created_at, id', [
      tailnetId,
    ]).map(columns.readPreAuthKey)
  }

  authorities(tailnetId: number): readonly AuthorityRow[] {
    return this.#all('SELECT * FROM authorities WHERE tailnet_id = ? ORDER BY id', [tailnetId]).map(
      columns.readAuthority,
    )
  }

  aums(authorityId: number): ReturnType<Store['aums']> {
    return this.#all('SELECT * FROM aums WHERE authority_id = ? ORDER BY seq', [authorityId]).map(
      columns.readAum,
    )
  }

  pendingInits(tailnetId: number): ReturnType<Store['pendingInits']> {
    return this.#all('SELECT * FROM pending_inits WHERE tailnet_id = ? ORDER BY node_id', [
      tailnetId,
    ]).map(columns.readPendingInit)
  }

  lastIds(): LastIds {
    const last = (table: string): number =>
      Number(this.#all('SELECT seq FROM sqlite_sequence WHERE name = ?', [table])[0]?.['seq'] ?? 0)
    return {
      tailnet: last('tailnets'),
      user: last('users'),
      node: last('nodes'),
      authority: last('authorities'),
    }
  }

  commit(writes: readonly Write[]): void {
    if (writes.length === 0) return
    let stage = 'begin'
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      stage = 'write'
      for (const write of writes) this.#apply(write)
      stage = 'commit'
      this.#db.exec('COMMIT')
    } catch (cause) {
      this.#rollback()
      if (cause instanceof ControlError) throw cause
      const code = isConstraint(cause) ? 'conflict' : 'store-failed'
      throw new ControlError(code, `Cannot store a change (${stage}): ${reason(cause)}`, { cause })
    }
  }

  close(): void {
    this.#statements.clear()
    this.#upserts.clear()
    this.#db.close()
  }

  #rollback(): void {
    // After some failures SQLite has already rolled back.
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }

  #apply(write: Write): void {
    if ('delete' in write) return this.#applyDelete(write)
    if ('use' in write) {
      return this.#once(
        'UPDATE pre_auth_keys SET used_at = ? WHERE id = ? AND used_at IS NULL',
        [write.at, write.id],
        'This pre-auth key has been used already',
      )
    }
    if ('move' in write) {
      return this.#once(
        'UPDATE authorities SET head = ? WHERE id = ? AND head = ? AND retired_at IS NULL',
        [fromHex(write.to), write.authorityId, fromHex(write.from)],
        'The tailnet lock was changed by somebody else at the same moment; try again',
      )
    }
    switch (write.put) {
      case 'tailnet':
        return this.#upsert('tailnets', columns.tailnetColumns(write.row))
      case 'user':
        return this.#upsert('users', columns.userColumns(write.row))
      case 'node':
        return this.#upsert('nodes', columns.nodeColumns(write.row))
      case 'pre-auth-key':
        return this.#upsert('pre_auth_keys', columns.preAuthKeyColumns(write.row))
      case 'authority':
        return this.#upsert('authorities', columns.authorityColumns(write.row))
      case 'aum':
        return this.#insertAum(columns.aumColumns(write.row))
      case 'pending-init':
        return this.#upsert(
          'pending_inits',
          columns.pendingInitColumns(write.row),
          'tailnet_id, node_id',
        )
    }
  }

  #applyDelete(write: Extract<Write, { delete: string }>): void {
    switch (write.delete) {
      case 'user':
        return this.#run('DELETE FROM users WHERE id = ?', [write.id])
      case 'node':
        return this.#run('DELETE FROM nodes WHERE id = ?', [write.id])
      case 'pre-auth-key':
        return this.#run('DELETE FROM pre_auth_keys WHERE id = ?', [write.id])
      case 'pending-init':
        return this.#run('DELETE FROM pending_inits WHERE tailnet_id = ? AND node_id = ?', [
          write.tailnetId,
          write.nodeId,
        ])
      case 'pending-inits':
        return this.#run('DELETE FROM pending_inits WHERE tailnet_id = ?', [write.tailnetId])
    }
  }

  #upsert(table: string, row: columns.Columns, key = 'id'): void {
    let statement = this.#upserts.get(table)
    if (statement === undefined) {
      const keys = key.split(', ')
      const updates = Object.keys(row)
        .filter((name) => !keys.includes(name))
        .map((name) => `${name} = excluded.${name}`)
      statement = this.#db.prepare(
        `${insertSql(table, row)} ON CONFLICT (${key}) DO UPDATE SET ${updates.join(', ')}`,
      )
      this.#upserts.set(table, statement)
    }
    statement.run(...Object.values(row))
  }

  #insertAum(row: columns.Columns): void {
    this.#run(insertSql('aums', row), Object.values(row))
  }

  #once(sql: string, values: SQLInputValue[], refusal: string): void {
    if (this.#prepare(sql).run(...values).changes !== 1) throw new ControlError('conflict', refusal)
  }

  #run(sql: string, values: SQLInputValue[]): void {
    this.#prepare(sql).run(...values)
  }

  #all(sql: string, values: SQLInputValue[]): columns.Record[] {
    return this.#prepare(sql).all(...values)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

function insertSql(table: string, row: columns.Columns): string {
  const names = Object.keys(row)
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
}

function isConstraint(cause: unknown): boolean {
  // SQLITE_CONSTRAINT and its extended codes share the low byte.
  return (
    cause instanceof Error &&
    'errcode' in cause &&
    typeof cause.errcode === 'number' &&
    (cause.errcode & 0xff) === 19
  )
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
