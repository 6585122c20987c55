import type { Permission } from '../../config/permissions.ts'

/** One address of the administrative API and what is done there. */
export interface ApiEndpoint {
  /** HEAD is answered like GET. */
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api/v1`, with a colon before what is a value: `/incidents/:id/ack`. */
  path: `/${string}`
  /** What whoever asks must be allowed. Nothing of the request is looked at before that is known. */
  permission: Permission
  /** Gives what is sent as JSON. What it throws becomes a problem. */
  answer(request: ApiRequest): Promise<object>
}

export interface ApiRequest {
  /** The values in the path by name, percent-decoded. */
  values: Readonly<Record<string, string>>
  query: URLSearchParams
  /** Name of the token or user. */
  who: string
  /** The body, parsed. Throws `unsupported_media_type`, `payload_too_large`, and `bad_request` for what is no JSON object. */
  body(): Promise<Readonly<Record<string, unknown>>>
}
