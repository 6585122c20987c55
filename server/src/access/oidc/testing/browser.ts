/** What of a browser a sign-in needs: cookies by host name and path, and redirects one by one. */
import type { IncomingHttpHeaders } from 'node:http'
import http from 'node:http'
import https from 'node:https'

export interface Page {
  status: number
  headers: IncomingHttpHeaders
  url: URL
  text: string
}

export interface Visit {
  method?: string
  form?: Record<string, string>
  /** A form as it is sent. */
  body?: string
  headers?: Record<string, string>
}

export interface Browser {
  /** By host (with port) and name; may be changed. */
  cookies: Map<string, Map<string, string>>
  /** One request, with cookies. */
  ask(url: string | URL, visit?: Visit): Promise<Page>
  /** The same, and follows redirects, at most twenty, while `until` does not hold of where they lead. */
  go(url: string | URL, visit?: Visit, until?: (url: URL) => boolean): Promise<Page>
}

export function openBrowser(options: { ca?: string; sendsOrigin?: boolean } = {}): Browser {
  const cookies: Browser['cookies'] = new Map()

  function keep(url: URL, lines: readonly string[]): void {
    const jar = cookies.get(url.host) ?? new Map<string, string>()
    cookies.set(url.host, jar)
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
      const gone = /;\s*(max-age=0|expires=Thu, 01 Jan 1970)/i.test(line)
      if (gone || value === '') jar.delete(name)
      else jar.set(name, value)
    }
  }

  async function ask(
    given: string | URL,
    { method, form, body: raw, headers = {} }: Visit = {},
  ): Promise<Page> {
    const url = new URL(given)
    const jar = [...(cookies.get(url.host) ?? [])].map(([name, value]) => `${name}=${value}`)
    const { promise, resolve, reject } = Promise.withResolvers<Page>()
    const body = raw ?? (form && new URLSearchParams(form).toString())
    const request = (url.protocol === 'https:' ? https : http).request(
      url,
      {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        agent: false,
        ...(options.ca !== undefined && { ca: options.ca }),
        headers: {
          accept: 'text/html',
          ...(jar.length > 0 && { cookie: jar.join('; ') }),
          ...(body !== undefined && {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': Buffer.byteLength(body),
            ...(options.sendsOrigin !== false && { origin: url.origin, 'sec-fetch-site': 'same-origin' }),
          }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          keep(url, response.headers['set-cookie'] ?? [])
          const text = Buffer.concat(chunks).toString()
          resolve({ status: response.statusCode!, headers: response.headers, url, text })
        })
      },
    )
    request.once('error', reject)
    request.end(body)
    return promise
  }

  return {
    cookies,
    ask,
    async go(url, visit, until = () => false) {
      let page = await ask(url, visit)
      for (let i = 0; i < 20 && page.headers.location !== undefined; i++) {
        const next = new URL(page.headers.location, page.url)
        if (until(next)) return page
        page = await ask(next)
      }
      return page
    },
  }
}
