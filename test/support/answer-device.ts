/** What the page of the sign-in does, done in the catalog: a device that waits under a code is let in as somebody, or not. */
import { DatabaseSync } from 'node:sqlite'
import { catalogIn } from '../../server/src/store/data-folder.ts'

export function answerDevice(
  dataDir: string,
  userCode: string,
  answer: 'approve' | 'deny',
  user: string,
): void {
  const signIn = { principal: { kind: 'user', id: user, groups: [], claims: {} }, via: 'password' }
  const database = new DatabaseSync(catalogIn(dataDir))
  try {
    database.exec('PRAGMA busy_timeout = 5000')
    const { changes } = database
      .prepare(
        `update auth_records set body = json_set(body, '$.answer', json(?)), revision = revision + 1 where kind = 'device' and replace(subject, '-', '') = ?`,
      )
      .run(JSON.stringify(answer === 'approve' ? signIn : 'denied'), userCode.replace('-', ''))
    if (changes !== 1) throw new Error(`no device waits under ${userCode}`)
  } finally {
    database.close()
  }
}
