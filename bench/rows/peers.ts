import type { Row } from '../figure.ts'

export const peers: Row = {
  name: 'peers',
  title: 'Other proxies on the same rows',
  optional: true,
  async run() {
    return []
  },
}
