import { ModsteadError } from '../../../errors.ts'
import { quotable } from '../../plain-text.ts'
import { BadAdvertisement, parseAdvertisement, type RemoteRefs } from './advertisement.ts'

/** Reads an advertisement; throws `upstream_invalid` for one that breaks the protocol. */
export async function readRefs(bytes: Buffer, url: string): Promise<RemoteRefs> {
  try {
    return await parseAdvertisement(bytes)
  } catch (error) {
    if (!(error instanceof BadAdvertisement)) throw error
    throw new ModsteadError('upstream_invalid', `${url} ${quotable(error.message)}`, { cause: error })
  }
}
