import { isModulePath } from '@modstead/gomod/path'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { createObserver } from '../observe/create-observer.ts'
import { type CommandContext, EXIT, type ModuleReport, type OriginReport } from './context.ts'
import { readConfig } from './read-config.ts'

/**
 * `modstead origin test MODULE`: asks the origins of a module as the server would, and tells which route it takes, where
 * each origin looked, with which credentials, and what it was told. Exit code 1 where no origin has the module.
 */
export async function testOrigins(module: string, flags: Flags, context: CommandContext): Promise<number> {
  if (!isModulePath(module))
    throw new ModsteadError('config_invalid', `${JSON.stringify(module)} is not a module path`, {
      next: 'write a path such as corp.example/team/lib, without a version',
    })
  // Its warnings are those of `config check`: here they would stand before each answer.
  const { config } = await readConfig(context, flags)
  const { stderr } = context
  const observer = createObserver(
    { ...config.log, level: 'error' },
    { stdout: stderr, isTTY: stderr.isTTY === true },
  )
  const { askModule } = await context.load()
  const report = await askModule({ config, observer, env: context.env, module })
  context.stdout.write(describe(module, report))
  return report.origins.some((origin) => origin.failure === undefined) ? EXIT.ok : EXIT.failure
}

function describe(module: string, report: ModuleReport): string {
  const { modules, ends, upload, origins } = report
  const lines = [module, `  route: ${modules.join(', ')}${report.private ? ' (private)' : ''}`]
  if (upload !== undefined) lines.push(`  published versions are kept here (${upload})`)
  for (const origin of origins) lines.push(...describeOrigin(origin))
  if (origins.length === 0) lines.push(NO_ORIGIN[ends])
  return `${lines.join('\n')}\n`
}

function describeOrigin({ name, facts, versions, newest, failure }: OriginReport): string[] {
  const lines = [`  origin ${name}`, ...facts.map(([what, said]) => `    ${what}: ${said}`)]
  if (failure !== undefined) {
    lines.push(`    failed (${failure.code}): ${failure.message}`)
    if (failure.next !== undefined) lines.push(`    next: ${failure.next}`)
    return lines
  }
  const count = versions === 1 ? '1 version' : `${versions} versions`
  lines.push(`    ${count}${newest === undefined ? '' : `, the highest ${newest}`}`)
  return lines
}

const NO_ORIGIN = {
  off: '  no origin: the route says off',
  ourselves: '  no origin: the only one is this modstead itself',
  list: '  no origin is configured for it',
}
