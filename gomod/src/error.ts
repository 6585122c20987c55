/** The closed list of what can be wrong with an input to this library. One stable code a class of mistake. */
export type GomodErrorCode =
  | 'invalid_path'
  | 'invalid_version'
  | 'invalid_escape'
  | 'invalid_gomod'
  | 'invalid_zip'
  | 'zip_too_large'
  | 'invalid_key'
  | 'invalid_gosumdb'
  | 'invalid_note'
  | 'unverified_note'
  | 'invalid_tile'
  | 'unverified_tile'
  | 'tile_not_found'
  | 'invalid_hash'
  | 'invalid_proof'
  | 'invalid_lookup'
  | 'invalid_record'
  | 'unverified_record'
  | 'invalid_request'
  | 'head_conflict'
  | 'log_fork'

/** Every error this library throws on bad input. Anything else that escapes it is a defect. */
export class GomodError extends Error {
  override readonly name = 'GomodError'
  readonly code: GomodErrorCode

  constructor(code: GomodErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
