/** Origins and what they need, as tests make them. */
import assert from 'node:assert/strict'
import type { GoproxyOriginConfig, OriginTimeouts } from '../config/config.ts'
import { ModsteadError, type ErrorCode } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { Version } from '@modstead/gomod/version'
import { checkPath } from '@modstead/gomod/path'
import type { OriginOptions } from '../proxy/origin.ts'
import { createGoproxyOrigin, type GoproxyOrigin } from './goproxy.ts'
import type { Outside } from './outside.ts'

export const MODULE = checkPath('example.com/Mod')
export const VERSION = 'v1.2.3' as Version

/** Deadlines that no test reaches by accident; each test shortens the one it is about. */
const PATIENT: OriginTimeouts = {
  lookup: 20_000,
  connect: 20_000,
  tls: 20_000,
  headers: 20_000,
  idle: 20_000,
  total: 20_000,
}

export interface TestObserver extends Observer {
  /** Counts by name and labels: `modstead_origin_tries_total public`. */
  readonly counts: Map<string, number>
  readonly warnings: string[]
}

export function createTestObserver(): TestObserver {
  const counts = new Map<string, number>()
  const warnings: string[] = []
  return {
    counts,
    warnings,
    log: {
      debug() {},
      info() {},
      warn: (_fields, message) => void warnings.push(message),
      error() {},
    },
    counter: (name) => ({
      add(amount, ...labels) {
        const key = [name, ...labels].join(' ')
        counts.set(key, (counts.get(key) ?? 0) + amount)
      },
    }),
    gauge() {},
    expose: async () => ({ contentType: 'text/plain', body: '' }),
  }
}

export function testOutside(options: Partial<Outside> = {}): Outside {
  return {
    observer: createTestObserver(),
    via: 'ours',
    proxies: { proxyFor: () => undefined },
    configuredHosts: new Set(),
    ...options,
  }
}

export type TestConfig = Partial<Omit<GoproxyOriginConfig, 'timeouts' | 'limits'>> & {
  timeouts?: Partial<OriginTimeouts>
  limits?: Partial<GoproxyOriginConfig['limits']>
}

export function testConfig(url: string, options: TestConfig = {}): GoproxyOriginConfig {
  return {
    name: 'public',
    type: 'goproxy',
    url,
    connections: 8,
    tries: 3,
    ...options,
    timeouts: { ...PATIENT, ...options.timeouts },
    limits: { list: 1 << 20, info: 1 << 16, mod: 1 << 20, zip: 1 << 26, ...options.limits },
  }
}

export function testOrigin(
  url: string,
  options: TestConfig = {},
  outside: Partial<Outside> = {},
): GoproxyOrigin {
  return createGoproxyOrigin(testConfig(url, options), testOutside(outside))
}

/** Options of a request that a client waits for. */
export function asked(options: Partial<OriginOptions> = {}): OriginOptions {
  return { signal: new AbortController().signal, priority: 'client', ...options }
}

/** Reads a stream to its end. */
export async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

/** The error `work` fails with, which must be a `ModsteadError` of this code whose message matches. */
export async function failsWith(
  work: Promise<unknown>,
  code: ErrorCode,
  message: RegExp,
): Promise<ModsteadError> {
  let caught: unknown
  await assert.rejects(work, (error) => {
    caught = error
    return true
  })
  assert.ok(caught instanceof ModsteadError, `expected a ModsteadError, got ${String(caught)}`)
  assert.equal(caught.code, code, caught.message)
  assert.match(caught.message, message)
  return caught
}
