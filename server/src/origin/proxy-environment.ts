/**
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY as `go` reads them (golang.org/x/net/http/httpproxy): upper case before lower
 * case, `http://` where a proxy has no scheme, and never a proxy for this machine itself.
 */
import { BlockList, isIP } from 'node:net'
import { ModsteadError } from '../errors.ts'
import { isLoopbackAddress } from './public-address.ts'

export interface ProxyEnvironment {
  /** The HTTP proxy through which `url` is to be asked; `undefined`: directly. */
  proxyFor(url: URL): URL | undefined
}

/** Reads the variables from `env` once. Throws `config_invalid` for a proxy that is no URL or not HTTP. */
export function readProxyEnvironment(env: Readonly<Record<string, string | undefined>>): ProxyEnvironment {
  const http = proxyUrl(env, 'HTTP_PROXY')
  const https = proxyUrl(env, 'HTTPS_PROXY')
  const exceptions = (env['NO_PROXY'] || env['no_proxy'] || '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .map(parseException)
  return {
    proxyFor(url) {
      const proxy = url.protocol === 'https:' ? https : http
      if (proxy === undefined) return undefined
      const host = hostOf(url)
      if (host === 'localhost' || isLoopbackAddress(host)) return undefined
      const port = url.port || (url.protocol === 'https:' ? '443' : '80')
      return exceptions.some((matches) => matches(host, port)) ? undefined : proxy
    },
  }
}

/** The host of a URL in lower case, an IPv6 address without its brackets, a name without its final dot. */
export function hostOf(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/(.)\.$/, '$1')
}

function proxyUrl(env: Readonly<Record<string, string | undefined>>, name: string): URL | undefined {
  const value = (env[name] || env[name.toLowerCase()])?.trim()
  if (value === undefined || value === '') return undefined
  const url = URL.parse(value.includes('://') ? value : `http://${value}`)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new ModsteadError(
    'config_invalid',
    `the environment variable ${name} is not the URL of an HTTP proxy`,
    {
      next: `write it like ${name}=http://proxy.corp.example:3128`,
    },
  )
}

type Exception = (host: string, port: string) => boolean

function parseException(entry: string): Exception {
  if (entry === '*') return () => true
  const range = /^(.+)\/(\d+)$/.exec(entry)
  if (range !== null) return inRange(range[1]!, Number(range[2]))
  const { name, port } = splitPort(entry)
  const atPort = (other: string): boolean => port === undefined || port === other
  if (isIP(name) > 0) return (host, other) => isSameAddress(host, name) && atPort(other)
  const suffix = name.replace(/^\*\./, '.')
  const withSubdomains = suffix.startsWith('.') ? suffix : `.${suffix}`
  return (host, other) => atPort(other) && (host.endsWith(withSubdomains) || host === suffix)
}

function splitPort(entry: string): { name: string; port?: string } {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(entry)
  const parts = bracketed ?? /^([^:]+):(\d+)$/.exec(entry)
  if (parts === null) return { name: entry }
  return parts[2] === undefined ? { name: parts[1]! } : { name: parts[1]!, port: parts[2] }
}

function inRange(address: string, bits: number): Exception {
  const family = isIP(address)
  if (family === 0 || bits > (family === 4 ? 32 : 128)) return () => false
  const list = new BlockList()
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  return (host) => isIP(host) > 0 && list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6')
}

function isSameAddress(host: string, address: string): boolean {
  const family = isIP(host)
  if (family === 0) return false
  const list = new BlockList()
  list.addAddress(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
