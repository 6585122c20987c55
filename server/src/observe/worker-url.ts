/**
 * The URL, as a string, of a worker's file beside the module that starts it: `workerUrl(import.meta.url, './x.ts')`.
 * Sources run as they are written; where the server was compiled, the caller is a `.js` file and so is the worker.
 */
export function workerUrl(base: string, file: string): string {
  const url = new URL(file, base)
  if (new URL(base).pathname.endsWith('.js')) url.pathname = url.pathname.replace(/\.ts$/, '.js')
  return url.href
}
