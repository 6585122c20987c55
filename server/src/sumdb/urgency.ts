import type { OnBehalf } from '../proxy/origin.ts'

/**
 * Does work for one of those who want the same at the same time, as urgently as the most urgent of them: what was
 * begun as background work goes on as a client's when a client comes to wait for it.
 */
export type Urgency = <T>(key: string, behalf: OnBehalf, work: (behalf: OnBehalf) => Promise<T>) => Promise<T>

export function createUrgency(): Urgency {
  const wanted = new Map<string, { waiting: number; promotion: AbortController }>()
  return async (key, { priority, promoted, ...behalf }, work) => {
    const entry = wanted.get(key) ?? { waiting: 0, promotion: new AbortController() }
    wanted.set(key, entry)
    entry.waiting++
    const promote = (): void => entry.promotion.abort()
    if (priority === 'client' || promoted?.aborted === true) promote()
    else promoted?.addEventListener('abort', promote, { once: true })
    try {
      return await work({ ...behalf, priority, promoted: entry.promotion.signal })
    } finally {
      promoted?.removeEventListener('abort', promote)
      entry.waiting--
      if (entry.waiting === 0) wanted.delete(key)
    }
  }
}
