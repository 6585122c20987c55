import { compilePatterns } from '@modstead/gomod/pattern'
import { clientModulePaths } from './client-module.ts'
import { assignment, type ClientSetting, clientSettings, type SettingsConfig } from './client-settings.ts'

/** How one kind of client is set up. */
export interface ClientGuide {
  name: GuideName
  title: string
  steps: readonly GuideStep[]
}

/** A sentence, and what to copy. */
export interface GuideStep {
  text: string
  lines?: readonly string[]
}

export const GUIDE_NAMES = ['laptop', 'gitlab-ci', 'github-actions', 'docker', 'netrc'] as const
export type GuideName = (typeof GUIDE_NAMES)[number]

/** What `go` takes by default, and the helper besides. */
const GOAUTH = 'netrc;client goauth'

interface Facts {
  address: string
  settings: readonly ClientSetting[]
  signIn: boolean
  install: readonly string[]
}

/** The guides for whoever reaches this modstead at `address`, GOPROXY. Nothing in them is secret. */
export function clientGuides(config: SettingsConfig, address: string): ClientGuide[] {
  const facts: Facts = {
    address,
    settings: clientSettings(config, address),
    signIn: config.access !== undefined,
    install: installLines(config),
  }
  return [laptop(facts), gitlab(facts), github(facts), docker(facts), netrc(facts)]
}

/**
 * The line that installs the helper, once GOPROXY is set. Its name belongs to the company, so that no public checksum
 * database knows it: where the settings do not leave it out anyway, the line does.
 */
export function installLines(config: SettingsConfig): string[] {
  const [path] = clientModulePaths(config.publicUrl)
  const given = clientSettings(config, '').find(({ name }) => name === 'GONOSUMDB')?.value ?? ''
  const install = `go install ${path}@latest`
  const known = config.checksumLog !== undefined || compilePatterns(given).matches(path)
  return known ? [install] : [`GONOSUMDB=${path} ${install}`]
}

function laptop({ address, settings, signIn, install }: Facts): ClientGuide {
  const steps: GuideStep[] = [
    { text: 'Tell go once', lines: settings.map((setting) => `go env -w ${assignment(setting)}`) },
  ]
  if (signIn)
    steps.push(
      {
        text: 'Install the helper, into the folder bin of go env GOPATH, which should be on your PATH',
        lines: install,
      },
      {
        text: 'Sign in: confirm the code that it shows, in a browser',
        lines: [`client login ${address}`],
      },
      {
        text: 'Let go ask it for credentials (Go 1.24 or newer; for older ones see netrc)',
        lines: [`go env -w "GOAUTH=${GOAUTH}"`],
      },
    )
  return { name: 'laptop', title: 'Laptop', steps: [...steps, ...notes({ address, settings, signIn })] }
}

function gitlab({ address, settings, signIn, install }: Facts): ClientGuide {
  const lines = [
    'variables:',
    ...settings.map(({ name, value }) => `  ${name}: ${yaml(value)}`),
    ...(signIn ? [`  GOAUTH: ${GOAUTH}`] : []),
    'build:',
    '  image: golang:1.26',
    ...(signIn ? ['  id_tokens:', '    MODSTEAD_ID_TOKEN:', `      aud: ${yaml(address)}`] : []),
    '  script:',
    ...(signIn ? [...install.map((line) => `    - ${line}`), `    - client login --ci ${address}`] : []),
    '    - go build ./...',
  ]
  return job('gitlab-ci', 'GitLab CI', '.gitlab-ci.yml', lines, { address, settings, signIn })
}

function github({ address, settings, signIn, install }: Facts): ClientGuide {
  const lines = [
    'jobs:',
    '  build:',
    '    runs-on: ubuntu-latest',
    ...(signIn ? ['    permissions:', '      contents: read', '      id-token: write'] : []),
    '    env:',
    ...settings.map(({ name, value }) => `      ${name}: ${yaml(value)}`),
    ...(signIn ? [`      GOAUTH: ${GOAUTH}`] : []),
    '    steps:',
    '      - uses: actions/checkout@v4',
    '      - uses: actions/setup-go@v5',
    '        with: { go-version: stable }',
    ...(signIn
      ? [...install.map((line) => `      - run: ${line}`), `      - run: client login --ci ${address}`]
      : []),
    '      - run: go build ./...',
  ]
  return job('github-actions', 'GitHub Actions', 'a file of .github/workflows', lines, {
    address,
    settings,
    signIn,
  })
}

function job(
  name: GuideName,
  title: string,
  file: string,
  lines: readonly string[],
  facts: Omit<Facts, 'install'>,
): ClientGuide {
  const steps: GuideStep[] = [{ text: `In ${file}`, lines }]
  if (facts.signIn)
    steps.push({
      text:
        'No secret is stored: the job shows the token that its CI system gives it, and gets what the rules under ' +
        'access.workloads in the configuration of modstead allow it',
    })
  return { name, title, steps: [...steps, ...notes(facts)] }
}

function docker({ address, settings, signIn }: Facts): ClientGuide {
  const secret = signIn ? '--mount=type=secret,id=netrc,target=/root/.netrc ' : ''
  const steps: GuideStep[] = [
    {
      text: 'In the Dockerfile',
      lines: [
        '# syntax=docker/dockerfile:1',
        'FROM golang:1.26 AS build',
        'WORKDIR /src',
        ...settings.map(({ name, value }) => `ENV ${name}=${JSON.stringify(value)}`),
        'COPY go.mod go.sum ./',
        `RUN ${secret}go mod download`,
        'COPY . .',
        'RUN go build -o /app .',
      ],
    },
  ]
  if (signIn)
    steps.push({
      text: 'Build with a netrc file as below: it is there for that one line, and in no layer of the image',
      lines: ['docker build --secret id=netrc,src=$HOME/.netrc .'],
    })
  return { name: 'docker', title: 'Docker', steps: [...steps, ...notes({ address, settings, signIn })] }
}

function netrc({ address, settings, signIn }: Facts): ClientGuide {
  const { host } = new URL(address)
  const title = 'A token in ~/.netrc'
  if (!signIn)
    return {
      name: 'netrc',
      title,
      steps: [{ text: 'This server asks nobody who they are: no token is needed' }],
    }
  return {
    name: 'netrc',
    title,
    steps: [
      {
        text: 'Where nobody can sign in, or go is older than 1.24. Add the line with a token of yours to ~/.netrc (%USERPROFILE%\\_netrc on Windows)',
        lines: [`machine ${host} login __token__ password mst_…`],
      },
      { text: 'Nobody else should read that file', lines: ['chmod 600 ~/.netrc'] },
      ...notes({ address, settings, signIn }),
    ],
  }
}

/** What does not go without saying. */
function notes({ address, settings, signIn }: Omit<Facts, 'install'>): GuideStep[] {
  const said = new Set(settings.flatMap(({ note }) => note ?? []))
  if (signIn && !address.startsWith('https:'))
    said.add(
      `go gives credentials to https addresses only, and ${address} is none: set tls, or publicUrl to that of a reverse proxy`,
    )
  return [...said].map((text) => ({ text }))
}

/** A text as a value of YAML, quoted where it could be read as something else. */
function yaml(value: string): string {
  return /^[a-zA-Z][\w./:-]*[\w/]$/.test(value) && !value.includes(': ') ? value : JSON.stringify(value)
}
