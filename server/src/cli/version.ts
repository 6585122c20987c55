import { type CommandContext, EXIT } from './context.ts'

/** `modstead version`: of modstead, of Node.js, and of the machine, for bug reports. */
export function printVersion(json: boolean, { stdout, version }: CommandContext): number {
  const platform = `${process.platform}/${process.arch}`
  const facts = { modstead: version, node: process.versions.node, platform }
  stdout.write(
    json ? `${JSON.stringify(facts)}\n` : `modstead ${version} (Node.js ${facts.node}, ${platform})\n`,
  )
  return EXIT.ok
}
