import { shown } from '@modstead/gomod/quote'

/** A file or address as it is printed: quoted where it could be taken for something else. */
export function shownPlace(where: string): string {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]{1,300}$/u.test(where) ? where : shown(where)
}

/** A phrase as the end of a sentence. */
export function ended(phrase: string): string {
  return /[.!?]$/.test(phrase) ? phrase : `${phrase}.`
}

/** A phrase as a sentence of its own. */
export function sentence(phrase: string): string {
  return ended(phrase.charAt(0).toUpperCase() + phrase.slice(1))
}
