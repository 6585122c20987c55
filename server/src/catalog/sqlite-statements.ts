// Written by "npm run docs" from migrations.ts, reads.ts and writes.ts: edit those.
import type { Migration } from './migrate.ts'
import type { Reads } from './reads.ts'
import type { Writes } from './writes.ts'

/** All migrations in order. */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: '001_modules',
    statements: [
      'create table "names" ("id" integer primary key, "name" text not null, constraint "names_key" unique ("name"))',
      'create table "modules" ("id" integer primary key, "realm" text not null, "path" text not null, constraint "modules_key" unique ("realm", "path"))',
      'create table "versions" ("module" integer not null, "version" text not null, "h1" bytea, "go_mod_h1" bytea, "zip_size" bigint, "zip_sha256" bytea, "info" smallint not null, "time" text, "origin" integer, "proven_by" integer, "first_seen" bigint not null, "last_used" bigint not null, constraint "versions_key" primary key ("module", "version")) without rowid',
      'create table "snapshots" ("module" integer not null, "query" text not null, "body" bytea not null, "fetched" bigint not null, "changed" bigint not null, "origin" integer not null, "etag" text, "last_modified" text, constraint "snapshots_key" unique ("module", "query"))',
      'create table "incidents" ("id" text primary key, "at" bigint not null, "kind" text not null, "realm" text not null, "module" text not null, "version" text not null, "source" text not null, "expected" text not null, "found" text not null, "outcome" text not null, constraint "incidents_same" unique ("module", "version", "realm", "kind", "source", "expected", "found"))',
      'create table "totals" ("id" integer primary key, "modules" bigint not null, "versions" bigint not null, "zip_bytes" bigint not null, "incidents" bigint not null)',
      'insert into "totals" ("id", "modules", "versions", "zip_bytes", "incidents") values (1, 0, 0, 0, 0)',
    ],
  },
  {
    name: '002_commits',
    statements: [
      'alter table "versions" add column "git_commit" bytea',
      'alter table "versions" add column "gone" bigint',
    ],
  },
  {
    name: '003_acts',
    statements: [
      'create table "acts" ("id" text primary key, "at" bigint not null, "who" text not null, "act" text not null, "outcome" text not null, "realm" text not null, "module" text not null, "version" text not null, "h1" text, "reason" text)',
      'create index "acts_outcome" on "acts" ("outcome", "id")',
      'create table "marks" ("module" integer not null, "version" text not null, "published" smallint not null, "deletion" text, constraint "marks_key" primary key ("module", "version")) without rowid',
    ],
  },
  {
    name: '004_acknowledgements',
    statements: [
      'alter table "incidents" add column "count" bigint default 1 not null',
      'alter table "incidents" add column "last_at" bigint default 0 not null',
      'alter table "incidents" add column "acknowledged_at" bigint',
      'alter table "incidents" add column "acknowledged_by" text',
      'alter table "incidents" add column "note" text',
      'update "incidents" set "last_at" = "at"',
      'create index "incidents_open" on "incidents" ("id") where "acknowledged_at" is null',
      'alter table "totals" add column "open_incidents" bigint default 0 not null',
      'update "totals" set "open_incidents" = "incidents"',
    ],
  },
  {
    name: '005_tokens',
    statements: [
      'create table "tokens" ("id" text not null, "hash" bytea not null, "owner_kind" text not null, "owner" text not null, "note" text not null, "permissions" text, "modules" text, "created" bigint not null, "expires" bigint, "last_used" bigint, "revoked_at" bigint, "revoked_by" text, constraint "tokens_key" primary key ("id")) without rowid',
    ],
  },
  {
    name: '006_auth_records',
    statements: [
      'create table "auth_records" ("scope" text not null, "kind" text not null, "id" text not null, "subject" text, "body" text not null, "expires" bigint not null, "revision" bigint not null, constraint "auth_records_key" primary key ("scope", "kind", "id")) without rowid',
      'create index "auth_records_subject" on "auth_records" ("scope", "kind", "subject")',
      'create index "auth_records_expires" on "auth_records" ("expires")',
    ],
  },
  {
    name: '007_directory_users',
    statements: [
      'create table "directory_users" ("tenant" text not null, "id" text not null, "state" text not null, "groups" text not null, "claims" text not null, "checked" bigint not null, "seen" bigint not null, constraint "directory_users_key" primary key ("tenant", "id")) without rowid',
    ],
  },
  {
    name: '008_tenants',
    statements: [
      'alter table "tokens" add column "tenant" text',
      'create table "promotions" ("id" text not null, "at" bigint not null, "who" text not null, "tenant" text not null, "module" text not null, "version" text not null, "note" text not null, constraint "promotions_key" primary key ("id")) without rowid',
      'create index "promotions_module" on "promotions" ("tenant", "module", "id")',
    ],
  },
  {
    name: '009_realms',
    statements: [
      'create index "acts_realm" on "acts" ("realm", "id")',
      'create index "incidents_realm" on "incidents" ("realm", "id")',
      'create index "incidents_realm_open" on "incidents" ("realm", "id") where "acknowledged_at" is null',
      'create index "tokens_tenant" on "tokens" (coalesce("tenant", \'\'), "created", "id")',
    ],
  },
]

export const READS: Reads = {
  version: {
    sql: 'select "versions"."h1", "go_mod_h1", "zip_size", "zip_sha256", "info", "time", "first_seen", "last_used", "origins"."name" as "origin", "databases"."name" as "proven_by", "git_commit", "gone", "published", "acts"."at" as "deleted_at", "acts"."who" as "deleted_by", "acts"."reason" from "modules" inner join "versions" on "versions"."module" = "modules"."id" left join "names" as "origins" on "origins"."id" = "versions"."origin" left join "names" as "databases" on "databases"."id" = "versions"."proven_by" left join "marks" on "marks"."module" = "versions"."module" and "marks"."version" = "versions"."version" left join "acts" on "acts"."id" = "marks"."deletion" where "modules"."realm" = ? and "modules"."path" = ? and "versions"."version" = ?',
    names: ['realm', 'path', 'version'],
  },
  marks: {
    sql: 'select "marks"."version", "marks"."published", "marks"."deletion" from "modules" inner join "marks" on "marks"."module" = "modules"."id" where "modules"."realm" = ? and "modules"."path" = ?',
    names: ['realm', 'path'],
  },
  act: {
    sql: 'select * from "acts" where "id" = ?',
    names: ['id'],
  },
  actsBefore: {
    sql: 'select * from "acts" where "id" < ? order by "id" desc limit ?',
    names: ['before', 'limit'],
  },
  actsInBefore: {
    sql: 'select * from "acts" where "realm" = ? and "id" < ? order by "id" desc limit ?',
    names: ['realm', 'before', 'limit'],
  },
  begunActsBefore: {
    sql: 'select * from "acts" where "outcome" = \'begun\' and "id" < ? order by "id" desc limit ?',
    names: ['before', 'limit'],
  },
  unfinishedActs: {
    sql: 'select * from "acts" where "outcome" = \'begun\' and "realm" = ? and "module" = ? order by "id"',
    names: ['realm', 'path'],
  },
  traces: {
    sql: 'select "version", "git_commit", "gone" from "modules" inner join "versions" on "versions"."module" = "modules"."id" where "modules"."realm" = ? and "modules"."path" = ? and ("git_commit" is not null or "gone" is not null)',
    names: ['realm', 'path'],
  },
  snapshot: {
    sql: 'select "body", "fetched", "changed", "names"."name" as "origin", "etag", "last_modified" from "modules" inner join "snapshots" on "snapshots"."module" = "modules"."id" inner join "names" on "names"."id" = "snapshots"."origin" where "modules"."realm" = ? and "modules"."path" = ? and "snapshots"."query" = ?',
    names: ['realm', 'path', 'query'],
  },
  incident: {
    sql: 'select * from "incidents" where "id" = ?',
    names: ['id'],
  },
  incidentsBefore: {
    sql: 'select * from "incidents" where "id" < ? order by "id" desc limit ?',
    names: ['before', 'limit'],
  },
  openIncidentsBefore: {
    sql: 'select * from "incidents" where "acknowledged_at" is null and "id" < ? order by "id" desc limit ?',
    names: ['before', 'limit'],
  },
  acknowledgedIncidentsBefore: {
    sql: 'select * from "incidents" where "acknowledged_at" is not null and "id" < ? order by "id" desc limit ?',
    names: ['before', 'limit'],
  },
  incidentsInBefore: {
    sql: 'select * from "incidents" where "realm" = ? and "id" < ? order by "id" desc limit ?',
    names: ['realm', 'before', 'limit'],
  },
  openIncidentsInBefore: {
    sql: 'select * from "incidents" where "realm" = ? and "acknowledged_at" is null and "id" < ? order by "id" desc limit ?',
    names: ['realm', 'before', 'limit'],
  },
  acknowledgedIncidentsInBefore: {
    sql: 'select * from "incidents" where "realm" = ? and "acknowledged_at" is not null and "id" < ? order by "id" desc limit ?',
    names: ['realm', 'before', 'limit'],
  },
  token: {
    sql: 'select * from "tokens" where "id" = ?',
    names: ['id'],
  },
  tokenOwners: {
    sql: 'select distinct "owner" from "tokens" where "owner_kind" = \'user\' and "revoked_at" is null and coalesce("tenant", \'\') = ?',
    names: ['tenant'],
  },
  directoryUsers: {
    sql: 'select * from "directory_users" where "tenant" = ?',
    names: ['tenant'],
  },
  tokens: {
    sql: 'select * from "tokens" order by "created", "id"',
    names: [],
  },
  tokensBefore: {
    sql: 'select * from "tokens" where ("created" < ? or ("created" = ? and "id" < ?)) order by "created" desc, "id" desc limit ?',
    names: ['created', 'created', 'id', 'limit'],
  },
  zipBytes: {
    sql: 'select sum("versions"."zip_size") as "bytes" from "modules" inner join "versions" on "versions"."module" = "modules"."id" left join "marks" on "marks"."module" = "versions"."module" and "marks"."version" = "versions"."version" where "modules"."realm" = ? and "marks"."deletion" is null',
    names: ['realm'],
  },
  promoted: {
    sql: 'select * from "promotions" where "tenant" = ? and "module" = ? order by "id" desc limit 1',
    names: ['tenant', 'module'],
  },
  promotionsBefore: {
    sql: 'select * from "promotions" where "tenant" = ? and "id" < ? order by "id" desc limit ?',
    names: ['tenant', 'before', 'limit'],
  },
  tokensOfBefore: {
    sql: 'select * from "tokens" where ("created" < ? or ("created" = ? and "id" < ?)) and "owner_kind" = ? and "owner" = ? order by "created" desc, "id" desc limit ?',
    names: ['created', 'created', 'id', 'owner_kind', 'owner', 'limit'],
  },
  tokensInBefore: {
    sql: 'select * from "tokens" where ("created" < ? or ("created" = ? and "id" < ?)) and coalesce("tenant", \'\') = ? order by "created" desc, "id" desc limit ?',
    names: ['created', 'created', 'id', 'tenant', 'limit'],
  },
  tokensOfInBefore: {
    sql: 'select * from "tokens" where ("created" < ? or ("created" = ? and "id" < ?)) and coalesce("tenant", \'\') = ? and "owner_kind" = ? and "owner" = ? order by "created" desc, "id" desc limit ?',
    names: ['created', 'created', 'id', 'tenant', 'owner_kind', 'owner', 'limit'],
  },
  authRecord: {
    sql: 'select * from "auth_records" where "scope" = ? and "kind" = ? and "id" = ?',
    names: ['scope', 'kind', 'id'],
  },
  authRecords: {
    sql: 'select * from "auth_records" where "scope" = ? and "kind" = ? and "expires" > ? order by "expires", "id" limit 1000',
    names: ['scope', 'kind', 'after'],
  },
  authRecordsOf: {
    sql: 'select * from "auth_records" where "scope" = ? and "kind" = ? and "expires" > ? and "subject" = ? order by "expires", "id" limit 1000',
    names: ['scope', 'kind', 'after', 'subject'],
  },
  totals: {
    sql: 'select "modules", "versions", "zip_bytes", "incidents", "open_incidents" from "totals" where "id" = 1',
    names: [],
  },
}

export const WRITES: Writes = {
  module: {
    sql: 'select "id" from "modules" where "realm" = ? and "path" = ?',
    names: ['realm', 'path'],
  },
  addModule: {
    sql: 'insert into "modules" ("realm", "path") values (?, ?) returning "id"',
    names: ['realm', 'path'],
  },
  name: {
    sql: 'select "id" from "names" where "name" = ?',
    names: ['name'],
  },
  addName: {
    sql: 'insert into "names" ("name") values (?) returning "id"',
    names: ['name'],
  },
  anyVersion: {
    sql: 'select "module" from "versions" where "module" = ? limit 1',
    names: ['module'],
  },
  putVersion: {
    sql: 'insert into "versions" ("module", "version", "h1", "go_mod_h1", "zip_size", "zip_sha256", "info", "time", "origin", "proven_by", "git_commit", "first_seen", "last_used") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict ("module", "version") do update set "h1" = "excluded"."h1", "go_mod_h1" = "excluded"."go_mod_h1", "zip_size" = "excluded"."zip_size", "zip_sha256" = "excluded"."zip_sha256", "info" = "excluded"."info", "time" = "excluded"."time", "origin" = "excluded"."origin", "proven_by" = "excluded"."proven_by", "git_commit" = "excluded"."git_commit"',
    names: ['module', 'version', 'h1', 'go_mod_h1', 'zip_size', 'zip_sha256', 'info', 'time', 'origin', 'proven_by', 'git_commit', 'first_seen', 'last_used'],
  },
  touch: {
    sql: 'update "versions" set "last_used" = ? where "module" = ? and "version" = ? and "last_used" < ?',
    names: ['last_used', 'module', 'version', 'last_used'],
  },
  markGone: {
    sql: 'update "versions" set "gone" = ? where "module" = ? and "version" = ?',
    names: ['gone', 'module', 'version'],
  },
  putSnapshot: {
    sql: 'insert into "snapshots" ("module", "query", "body", "fetched", "changed", "origin", "etag", "last_modified") values (?, ?, ?, ?, ?, ?, ?, ?) on conflict ("module", "query") do update set "body" = "excluded"."body", "fetched" = "excluded"."fetched", "changed" = "excluded"."changed", "origin" = "excluded"."origin", "etag" = "excluded"."etag", "last_modified" = "excluded"."last_modified"',
    names: ['module', 'query', 'body', 'fetched', 'changed', 'origin', 'etag', 'last_modified'],
  },
  sameIncident: {
    sql: 'select * from "incidents" where "module" = ? and "version" = ? and "realm" = ? and "kind" = ? and "source" = ? and "expected" = ? and "found" = ?',
    names: ['module', 'version', 'realm', 'kind', 'source', 'expected', 'found'],
  },
  lastIncident: {
    sql: 'select "id" from "incidents" order by "id" desc limit 1',
    names: [],
  },
  addIncident: {
    sql: 'insert into "incidents" ("id", "at", "outcome", "module", "version", "realm", "kind", "source", "expected", "found", "count", "last_at") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    names: ['id', 'at', 'outcome', 'module', 'version', 'realm', 'kind', 'source', 'expected', 'found', 'count', 'last_at'],
  },
  seenAgain: {
    sql: 'update "incidents" set "count" = "count" + 1, "last_at" = ? where "id" = ?',
    names: ['last_at', 'id'],
  },
  acknowledge: {
    sql: 'update "incidents" set "acknowledged_at" = ?, "acknowledged_by" = ?, "note" = ? where "id" = ?',
    names: ['acknowledged_at', 'acknowledged_by', 'note', 'id'],
  },
  lastAct: {
    sql: 'select "id" from "acts" order by "id" desc limit 1',
    names: [],
  },
  addAct: {
    sql: 'insert into "acts" ("id", "at", "who", "act", "outcome", "realm", "module", "version", "h1", "reason") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    names: ['id', 'at', 'who', 'act', 'outcome', 'realm', 'module', 'version', 'h1', 'reason'],
  },
  endAct: {
    sql: 'update "acts" set "outcome" = ? where "id" = ?',
    names: ['outcome', 'id'],
  },
  putMark: {
    sql: 'insert into "marks" ("module", "version", "published", "deletion") values (?, ?, ?, ?) on conflict ("module", "version") do update set "published" = "excluded"."published", "deletion" = "excluded"."deletion"',
    names: ['module', 'version', 'published', 'deletion'],
  },
  lastPromotion: {
    sql: 'select "id" from "promotions" order by "id" desc limit 1',
    names: [],
  },
  addPromotion: {
    sql: 'insert into "promotions" ("id", "at", "who", "tenant", "module", "version", "note") values (?, ?, ?, ?, ?, ?, ?)',
    names: ['id', 'at', 'who', 'tenant', 'module', 'version', 'note'],
  },
  addToken: {
    sql: 'insert into "tokens" ("id", "hash", "owner_kind", "owner", "note", "permissions", "modules", "created", "expires", "last_used", "revoked_at", "revoked_by", "tenant") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    names: ['id', 'hash', 'owner_kind', 'owner', 'note', 'permissions', 'modules', 'created', 'expires', 'last_used', 'revoked_at', 'revoked_by', 'tenant'],
  },
  revokeToken: {
    sql: 'update "tokens" set "revoked_at" = ?, "revoked_by" = ? where "id" = ?',
    names: ['revoked_at', 'revoked_by', 'id'],
  },
  touchToken: {
    sql: 'update "tokens" set "last_used" = ? where "id" = ?',
    names: ['last_used', 'id'],
  },
  addAuthRecord: {
    sql: 'insert into "auth_records" ("scope", "kind", "id", "subject", "body", "expires", "revision") values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning "id"',
    names: ['scope', 'kind', 'id', 'subject', 'body', 'expires', 'revision'],
  },
  changeAuthRecord: {
    sql: 'update "auth_records" set "subject" = ?, "body" = ?, "expires" = ?, "revision" = ? where "scope" = ? and "kind" = ? and "id" = ? and "revision" = ? returning "id"',
    names: ['subject', 'body', 'expires', 'revision', 'scope', 'kind', 'id', 'read'],
  },
  removeAuthRecord: {
    sql: 'delete from "auth_records" where "scope" = ? and "kind" = ? and "id" = ? returning "id"',
    names: ['scope', 'kind', 'id'],
  },
  sweepAuthRecords: {
    sql: 'delete from "auth_records" where "expires" <= ?',
    names: ['until'],
  },
  putDirectoryUser: {
    sql: 'insert into "directory_users" ("tenant", "id", "state", "groups", "claims", "checked", "seen") values (?, ?, ?, ?, ?, ?, ?) on conflict ("tenant", "id") do update set "tenant" = "excluded"."tenant", "id" = "excluded"."id", "state" = "excluded"."state", "groups" = "excluded"."groups", "claims" = "excluded"."claims", "checked" = "excluded"."checked", "seen" = "excluded"."seen"',
    names: ['tenant', 'id', 'state', 'groups', 'claims', 'checked', 'seen'],
  },
  dropDirectoryUser: {
    sql: 'delete from "directory_users" where "tenant" = ? and "id" = ?',
    names: ['tenant', 'id'],
  },
  addTotals: {
    sql: 'update "totals" set "modules" = "modules" + ?, "versions" = "versions" + ?, "zip_bytes" = "zip_bytes" + ?, "incidents" = "incidents" + ?, "open_incidents" = "open_incidents" + ? where "id" = 1',
    names: ['modules', 'versions', 'zip_bytes', 'incidents', 'open_incidents'],
  },
}
