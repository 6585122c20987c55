/** What is recorded, how it is kept, and where it is sent. Durations are milliseconds, sizes bytes. */
export interface AuditConfig {
  /** The share of reads that is recorded, from 0 to 1. */
  downloads: number
  mask: 'none' | 'partial' | 'hash'
  folder: string
  /** When a segment is closed. */
  rotate: { size: number; age: number }
  /** How long closed segments are kept at least. */
  keep: number
  /** What all of it may take on disk. */
  disk: number
  onFull: 'block' | 'drop'
  /** How often what was recorded is made to last. */
  sync: number
  sinks: readonly SinkConfig[]
}

export type SinkConfig = SyslogConfig | WebhookConfig | NatsConfig | KafkaConfig | OtlpConfig

interface Named {
  /** Name in the configuration. */
  name: string
}

export interface SyslogConfig extends Named {
  type: 'syslog'
  transport: 'udp' | 'tcp' | 'tls'
  host: string
  port: number
  /** PEM file with authorities trusted besides the system's. */
  ca?: string
  /** RFC 5424: 0 to 23. */
  facility: number
}

export interface WebhookConfig extends Named {
  type: 'webhook'
  url: string
  secret: string
  ca?: string
  /** Events in one request at most. */
  batch: number
}

export interface NatsConfig extends Named {
  type: 'nats'
  servers: readonly string[]
  subject: string
  login?:
    | { kind: 'token'; token: string }
    | { kind: 'password'; username: string; password: string }
    | { kind: 'creds'; file: string }
  ca?: string
}

export interface KafkaConfig extends Named {
  type: 'kafka'
  brokers: readonly string[]
  topic: string
  tls: boolean
  ca?: string
  login?: { username: string; password: string; mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' }
}

export interface OtlpConfig extends Named {
  type: 'otlp'
  /** Where `/v1/logs` is below. */
  url: string
  headers: Readonly<Record<string, string>>
  ca?: string
  batch: number
}
