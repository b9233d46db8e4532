// SPDX-License-Identifier: Apache-2.0

/**
 * The schema, as the list of steps which led to it. A step that was ever released is never edited:
 * a change is a new step at the end.
 *
 * @module
 */

/** The steps in order; the database remembers how many of them it has seen. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE tailnets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tailnet_id INTEGER NOT NULL REFERENCES tailnets (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at INTEGER NOT NULL,
    UNIQUE (tailnet_id, name)
  ) STRICT;

  CREATE TABLE pre_auth_keys (
    id TEXT PRIMARY KEY,
    tailnet_id INTEGER NOT NULL REFERENCES tailnets (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    reusable INTEGER NOT NULL,
    ephemeral INTEGER NOT NULL,
    pre_approved INTEGER NOT NULL,
    tags TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER,
    revoked_at INTEGER
  ) STRICT;

  CREATE TABLE nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tailnet_id INTEGER NOT NULL REFERENCES tailnets (id),
    stable_id TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    machine_key TEXT NOT NULL,
    node_key TEXT NOT NULL UNIQUE,
    lock_key TEXT,
    disco_key TEXT,
    hostname TEXT NOT NULL,
    name TEXT NOT NULL,
    name_fixed INTEGER NOT NULL,
    ipv4 TEXT NOT NULL,
    ipv6 TEXT NOT NULL,
    tags TEXT NOT NULL,
    ephemeral INTEGER NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    pre_auth_key_id TEXT,
    first_map_at INTEGER,
    last_seen_at INTEGER,
    hostinfo TEXT NOT NULL,
    endpoints TEXT NOT NULL,
    endpoint_types TEXT NOT NULL,
    home_relay INTEGER NOT NULL,
    capability_version INTEGER NOT NULL,
    signature BLOB,
    previous_keys TEXT NOT NULL,
    reported_head TEXT NOT NULL,
    reported_head_at INTEGER,
    approved_routes TEXT NOT NULL,
    UNIQUE (tailnet_id, name),
    UNIQUE (tailnet_id, ipv4),
    UNIQUE (tailnet_id, ipv6)
  ) STRICT;
  CREATE INDEX nodes_by_machine ON nodes (machine_key);

  CREATE TABLE authorities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tailnet_id INTEGER NOT NULL REFERENCES tailnets (id),
    genesis BLOB NOT NULL CHECK (length(genesis) = 32),
    head BLOB NOT NULL CHECK (length(head) = 32),
    state_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    disablement_secret BLOB
  ) STRICT;
  CREATE UNIQUE INDEX one_active_authority ON authorities (tailnet_id) WHERE retired_at IS NULL;

  CREATE TABLE aums (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    authority_id INTEGER NOT NULL REFERENCES authorities (id),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    parent BLOB CHECK (parent IS NULL OR length(parent) = 32),
    raw BLOB NOT NULL,
    arrived_at INTEGER NOT NULL,
    UNIQUE (authority_id, hash)
  ) STRICT;
  CREATE INDEX aums_by_parent ON aums (authority_id, parent);

  CREATE TABLE pending_inits (
    tailnet_id INTEGER NOT NULL REFERENCES tailnets (id),
    node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    machine_key TEXT NOT NULL,
    genesis BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tailnet_id, node_id)
  ) STRICT, WITHOUT ROWID;
  `,
]
