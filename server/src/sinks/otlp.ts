import type { AuditEvent } from '../audit/event.ts'
import type { AuditSink } from '../audit/sink.ts'
import type { OtlpConfig } from '../config/audit/audit-config.ts'
import { createPoster } from './post.ts'

/** Severities of the OpenTelemetry log data model. */
const INFO = { severityNumber: 9, severityText: 'INFO' }
const WARN = { severityNumber: 13, severityText: 'WARN' }

/** Log records as OTLP/HTTP has them in JSON (opentelemetry-proto 1.x), to `/v1/logs`. */
export async function openOtlp(
  { name, url, headers, ca, batch }: OtlpConfig,
  version: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AuditSink> {
  const poster = await createPoster(ca, env)
  return {
    name,
    batch,
    async send(events, signal) {
      const body = Buffer.from(JSON.stringify(exportOf(events, version)))
      await poster.post(`${url}/v1/logs`, { ...headers, 'content-type': 'application/json' }, body, signal)
    },
    close: () => poster.close(),
  }
}

function exportOf(events: readonly AuditEvent[], version: string): object {
  const resource = {
    attributes: [attribute('service.name', 'modstead'), attribute('service.version', version)],
  }
  const scope = { name: 'modstead.audit', version: '1' }
  return { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: events.map(recordOf) }] }] }
}

function recordOf(event: AuditEvent): object {
  const nanoseconds = `${Date.parse(event.timestamp)}000000`
  return {
    timeUnixNano: nanoseconds,
    observedTimeUnixNano: nanoseconds,
    ...(event.auth_result === 'ok' ? INFO : WARN),
    eventName: `modstead.audit.${event.event_type}`,
    body: { stringValue: `${event.event_type} ${event.auth_result}` },
    // An empty field says nothing, and would be one more to index.
    attributes: Object.entries(event)
      .filter(([, value]) => value !== '')
      .map(([key, value]) => attribute(`modstead.${key}`, value)),
    ...(event.trace_id !== '' && { traceId: event.trace_id }),
  }
}

/** 64-bit integers are texts in the JSON of protocol buffers. */
function attribute(key: string, value: string | number): object {
  return { key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }
}
