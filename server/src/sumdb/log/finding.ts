/** Something in a log, or in what it is compared with, that is not as it must be. */
export interface Finding {
  what: 'head' | 'mark' | 'tile' | 'record' | 'index' | 'zip' | 'mod' | 'catalog' | 'upstream'
  /** Which one: `tile/8/0/000`, `record 17`, `record 17: corp.example/lib@v1.2.3`. */
  name: string
  /** What is wrong with it, as a phrase. */
  problem: string
}
