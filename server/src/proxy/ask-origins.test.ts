import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { compilePatterns } from '@modstead/gomod/pattern'
import { type ErrorCode, ModsteadError } from '../errors.ts'
import { askOrigins } from './ask-origins.ts'
import { NotAhead } from './flights.ts'
import type { OnBehalf, Origin } from './origin.ts'
import type { Route } from './route.ts'
import { createSetbacks } from './setbacks.ts'

const module = checkPath('example.com/m')
const behalf = { priority: 'client' } as const

function origin(name: string): Origin {
  const unused = () => Promise.reject(new Error('not asked here'))
  return {
    name,
    speculative: true,
    versions: unused,
    resolve: unused,
    goMod: unused,
    zip: unused,
    close: () => Promise.resolve(),
  }
}

/** A route over origins a, b, c with these separators behind each. */
function route(...then: ('absent' | 'any')[]): Route {
  const origins = then.map((then, i) => ({ origin: origin('abc'[i]!), then }))
  return {
    patterns: compilePatterns('*'),
    modules: ['*'],
    origins,
    originsFor: () => origins,
    limits: {},
    end: 'list',
    realm: 'public',
    private: false,
    checksum: undefined,
    lookAhead: true,
    log: true,
    fresh: 0,
    stale: 0,
    absent: 0,
  }
}

/** Asks with fixed answers by origin name: a code to fail with, or a value. */
async function ask(
  list: Route,
  answers: Record<string, ErrorCode | { value: string }>,
  setbacks = createSetbacks(Date.now),
) {
  const asked: string[] = []
  const question = { route: list, module, behalf, what: 'zip m@v1.0.0', setbacks }
  const result = await askOrigins(question, async ({ name }) => {
    asked.push(name)
    const answer = answers[name]!
    if (typeof answer === 'string') throw new ModsteadError(answer, `${name} fails`)
    return answer.value
  }).catch((error: unknown) => {
    assert.ok(error instanceof ModsteadError)
    return error.code
  })
  return { result, asked: asked.join('') }
}

const table: {
  name: string
  then: ('absent' | 'any')[]
  answers: Parameters<typeof ask>[1]
  result: string
  asked: string
}[] = [
  {
    name: 'the first answer wins',
    then: ['absent', 'absent'],
    answers: { a: { value: 'A' }, b: { value: 'B' } },
    result: 'A',
    asked: 'a',
  },
  {
    name: 'absence lets the next be asked',
    then: ['absent', 'absent'],
    answers: { a: 'not_found', b: { value: 'B' } },
    result: 'B',
    asked: 'ab',
  },
  {
    name: 'an outage before , ends it',
    then: ['absent', 'absent'],
    answers: { a: 'upstream_failed', b: { value: 'B' } },
    result: 'upstream_failed',
    asked: 'a',
  },
  {
    name: 'an outage before | does not',
    then: ['any', 'absent'],
    answers: { a: 'upstream_timeout', b: { value: 'B' } },
    result: 'B',
    asked: 'ab',
  },
  {
    name: 'an outage then absence is an outage',
    then: ['any', 'any'],
    answers: { a: 'upstream_unreachable', b: 'not_found' },
    result: 'upstream_unreachable',
    asked: 'ab',
  },
  {
    name: 'absence then an outage is an outage',
    then: ['any', 'any'],
    answers: { a: 'not_found', b: 'upstream_failed' },
    result: 'upstream_failed',
    asked: 'ab',
  },
  {
    name: 'absence everywhere is absence',
    then: ['any', 'absent'],
    answers: { a: 'not_found', b: 'not_found' },
    result: 'not_found',
    asked: 'ab',
  },
  {
    name: 'a wrong answer before , lets the next be asked',
    then: ['absent', 'absent'],
    answers: { a: 'checksum_mismatch', b: { value: 'B' } },
    result: 'B',
    asked: 'ab',
  },
  {
    name: 'a wrong answer then absence is not absence',
    then: ['absent', 'absent'],
    answers: { a: 'upstream_invalid', b: 'not_found' },
    result: 'upstream_invalid',
    asked: 'ab',
  },
  {
    name: 'a web page before , lets the next be asked',
    then: ['absent', 'absent'],
    answers: { a: 'upstream_page', b: { value: 'B' } },
    result: 'B',
    asked: 'ab',
  },
  {
    name: 'a full disk ends it at once',
    then: ['any', 'any'],
    answers: { a: 'store_unavailable', b: { value: 'B' } },
    result: 'store_unavailable',
    asked: 'a',
  },
  {
    name: 'a missing checksum record ends it at once',
    then: ['any', 'any'],
    answers: { a: 'checksum_missing', b: { value: 'B' } },
    result: 'checksum_missing',
    asked: 'a',
  },
  { name: 'nobody to ask is absence', then: [], answers: {}, result: 'not_found', asked: '' },
]

for (const { name, then, answers, result, asked } of table) {
  test(name, async () => assert.deepEqual(await ask(route(...then), answers), { result, asked }))
}

test('an origin whose transfer broke is asked last for that file, one that was wrong not at all', async () => {
  const setbacks = createSetbacks(Date.now)
  const list = route('any', 'any')
  await ask(list, { a: 'upstream_timeout', b: 'not_found' }, setbacks)
  assert.equal((await ask(list, { a: { value: 'A' }, b: { value: 'B' } }, setbacks)).result, 'B')

  const portal = createSetbacks(Date.now)
  await ask(list, { a: 'upstream_page', b: 'not_found' }, portal)
  assert.deepEqual(await ask(list, { a: { value: 'A' }, b: 'not_found' }, portal), {
    result: 'A',
    asked: 'ba',
  })

  const other = createSetbacks(Date.now)
  await ask(list, { a: 'checksum_mismatch', b: 'not_found' }, other)
  assert.deepEqual(await ask(list, { a: { value: 'A' }, b: 'not_found' }, other), {
    result: 'checksum_mismatch',
    asked: 'b',
  })
})

test('the order of a , list is kept after a failure: it says who may answer', async () => {
  const setbacks = createSetbacks(Date.now)
  const list = route('absent', 'absent')
  const answers = { a: 'upstream_refused', b: { value: 'B' } } as const
  assert.deepEqual(await ask(list, answers, setbacks), { result: 'upstream_refused', asked: 'a' })
  assert.deepEqual(await ask(list, answers, setbacks), { result: 'upstream_refused', asked: 'a' })
})

test('off says so, and once a client has seen bytes nobody else is asked', async () => {
  const off = { ...route(), end: 'off' as const }
  assert.equal((await ask(off, {})).result, 'fetch_disabled')
  const question = {
    route: route('any', 'any'),
    module,
    behalf,
    what: 'zip m@v1.0.0',
    setbacks: createSetbacks(Date.now),
    mayGoOn: () => false,
  }
  let asked = 0
  await assert.rejects(
    askOrigins(question, () => {
      asked++
      return Promise.reject(new ModsteadError('upstream_failed', 'cut short'))
    }),
    { code: 'upstream_failed' },
  )
  assert.equal(asked, 1)
})

test('an origin that cannot be reached several times in a row is not waited for, for a moment', async () => {
  let time = 0
  const setbacks = createSetbacks(() => time)
  const list = route('any', 'any')
  const down = { a: 'upstream_unreachable', b: { value: 'B' } } as const
  const askAgain = async (answers: Parameters<typeof ask>[1], n: number) => {
    const asked: string[] = []
    const what = `zip m@v1.0.${n}`
    const result = await askOrigins({ route: list, module, behalf, what, setbacks }, async ({ name }) => {
      asked.push(name)
      const answer = answers[name]!
      if (typeof answer === 'string') throw new ModsteadError(answer, `${name} fails`)
      return answer.value
    })
    return `${asked.join('')} ${result}`
  }
  for (let n = 0; n < 5; n++) assert.equal(await askAgain(down, n), 'ab B')
  assert.equal(await askAgain(down, 5), 'b B')
  time = 1_001
  assert.equal(await askAgain({ ...down, a: { value: 'A' } }, 6), 'a A', 'one finds out that it is back')
  assert.equal(await askAgain({ ...down, a: { value: 'A' } }, 7), 'a A')
})

test('an origin that is asked for nothing ahead is only asked once a client waits', async () => {
  const list = route('any', 'any')
  const patient = { origin: { ...origin('b'), speculative: false }, then: 'any' } as const
  const origins = [list.originsFor(module)[0]!, patient]
  const asked: string[] = []
  const askFor = (behalf: OnBehalf) =>
    askOrigins(
      {
        route: {
          ...list,
          originsFor: () => origins,
        },
        module,
        behalf,
        what: 'mod m@v1.0.0',
        setbacks: createSetbacks(Date.now),
      },
      async ({ name }) => {
        asked.push(name)
        if (name === 'a') throw new ModsteadError('not_found', 'a has none')
        return name
      },
    )
  await assert.rejects(askFor({ priority: 'background' }), NotAhead)
  assert.deepEqual(asked, ['a'])
  assert.equal(await askFor({ priority: 'client' }), 'b')
  const promoted = AbortSignal.abort()
  assert.equal(await askFor({ priority: 'background', promoted }), 'b', 'a client joined')
})

test('what no proxy has is absent where its host has no address', async () => {
  const list = route('any', 'any')
  const direct = { origin: { ...origin('direct'), speculative: false }, then: 'absent' } as const
  const origins = [list.originsFor(module)[0]!, direct]
  const outcome = (first: ErrorCode, second: string, isPrivate = false) =>
    askOrigins(
      {
        route: { ...list, private: isPrivate, originsFor: () => origins },
        module,
        behalf,
        what: 'zip m@v1.0.0',
        setbacks: createSetbacks(Date.now),
      },
      async ({ name }): Promise<never> => {
        const cause = Object.assign(new Error('lookup'), { code: second })
        if (name !== 'direct') throw new ModsteadError(first, `${name} fails`)
        throw new ModsteadError('upstream_unreachable', `${name} fails`, { cause })
      },
    ).catch((error: unknown) => (error as ModsteadError).code)
  assert.equal(await outcome('not_found', 'ENOTFOUND'), 'not_found')
  assert.equal(await outcome('not_found', 'EAI_AGAIN'), 'upstream_unreachable', 'nobody knows')
  assert.equal(await outcome('not_found', 'ECONNREFUSED'), 'upstream_unreachable')
  assert.equal(await outcome('upstream_failed', 'ENOTFOUND'), 'upstream_failed')
  assert.equal(
    await outcome('not_found', 'ENOTFOUND', true),
    'upstream_unreachable',
    'it may be known elsewhere',
  )
})

test('an origin with a setback goes behind the others, but not behind direct, and every place keeps its separator', async () => {
  const list = route('any', 'any')
  const direct = { origin: { ...origin('direct'), speculative: false }, then: 'absent' } as const
  const origins = [...list.originsFor(module), direct]
  const setbacks = createSetbacks(Date.now)
  setbacks.note(origins[0]!.origin, 'public zip m@v1.0.0', new ModsteadError('upstream_failed', 'a fails'))
  const asked: string[] = []
  const question = {
    route: { ...list, originsFor: () => origins },
    module,
    behalf,
    setbacks,
    what: 'zip m@v1.0.0',
  }
  const answer = await askOrigins(question, async ({ name }) => {
    asked.push(name)
    if (name === 'b') throw new ModsteadError('upstream_failed', 'b fails')
    return name
  })
  assert.deepEqual([answer, ...asked], ['a', 'b', 'a'])
})

test('where the only origin is this server, nobody was asked, and nothing is absent', async () => {
  const { result } = await ask({ ...route(), end: 'ourselves' }, {})
  assert.equal(result, 'fetch_disabled')
})
