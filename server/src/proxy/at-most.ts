/**
 * Bounds a cache (`lru-cache`) to so many entries. Its own `max` takes the memory for all of them in advance: milliseconds
 * of each start, and hundreds of kilobytes for each cache that is hardly used. A bound on sizes does not.
 */
export function atMost(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 }
}
