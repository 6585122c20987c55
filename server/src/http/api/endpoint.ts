import type { z } from 'zod'
import type { Principal } from '../../access/principal.ts'
import type { Permission } from '../../config/permissions.ts'
import type { Noted } from '../action.ts'
import { parseBody, parseQuery } from './parse-input.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * What whoever asks must be allowed; `signed-in`: to be somebody; `anybody`: nothing. Nothing of the request is looked
 * at before that is known.
 */
export type Needed = Permission | 'signed-in' | 'anybody'

/** What the description of the API says of an endpoint, and what its input is checked by: the same schemas. */
export interface EndpointShape<Query extends z.ZodObject, Body extends z.ZodObject> {
  /** HEAD is answered like GET. */
  method: Method
  /** Below `/api/v1`, with a colon before what is a value: `/incidents/:id/ack`. */
  path: `/${string}`
  needs: Needed
  /** One sentence for the description. */
  summary: string
  /** A strict object of texts. Default: no query. */
  query?: Query
  /** A strict object. Absent: there is no body to read. */
  body?: Body
  /** What is sent. */
  gives: z.ZodType
  /** The status of success. Default: 200. */
  status?: 200 | 201
}

/** One address of the administrative API and what is done there. */
export interface ApiEndpoint extends EndpointShape<z.ZodObject, z.ZodObject> {
  /** Gives what is sent as JSON. What it throws becomes a problem. */
  answer(request: RawApiRequest): Promise<object>
}

/** A request as it came. */
export interface RawApiRequest {
  /** The values in the path by name, percent-decoded. */
  values: Readonly<Record<string, string>>
  query: URLSearchParams
  /** Who asks; anonymous only where anybody may. */
  principal: Principal
  /** Told what the audit log says of it. */
  note(facts: Pick<Noted, 'module' | 'version' | 'detail'>): void
  /** The body, parsed. Throws `unsupported_media_type`, `payload_too_large`, and `bad_request` for what is no JSON object. */
  body(): Promise<Readonly<Record<string, unknown>>>
}

/** A request as an endpoint sees it: everything in it was checked. */
export interface ApiRequest<Query, Body> {
  values: Readonly<Record<string, string>>
  principal: Principal
  query: Query
  body: Body
  note: RawApiRequest['note']
}

/** Joins what an endpoint takes and gives with what it does. Its input is refused with `bad_request` where it does not fit. */
export function endpoint<Query extends z.ZodObject, Body extends z.ZodObject>(
  shape: EndpointShape<Query, Body> & {
    answer(request: ApiRequest<z.output<Query>, z.output<Body>>): Promise<object> | object
  },
): ApiEndpoint {
  return {
    ...shape,
    async answer({ values, principal, query, body, note }) {
      const parsedQuery = parseQuery(shape.query, query)
      const parsedBody = shape.body === undefined ? {} : parseBody(shape.body, await body())
      return shape.answer({
        values,
        principal,
        query: parsedQuery as z.output<Query>,
        body: parsedBody as z.output<Body>,
        note,
      })
    },
  }
}
