/** `1 record`, `2 records`: a number with what it counts, whose plural ends in -s. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
