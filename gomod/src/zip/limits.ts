/** The sizes that module zips are held to. `go` refuses what exceeds the first three, so a proxy has to as well. */

/** Bytes a module zip may have, and bytes its files may have together when extracted: 500 MiB. */
export const MAX_ZIP_FILE = 500 * 2 ** 20

/** Bytes the go.mod file in the root of a module zip may have: 16 MiB. */
export const MAX_GO_MOD = 16 * 2 ** 20

/** Bytes the LICENSE file in the root of a module zip may have: 16 MiB. */
export const MAX_LICENSE = 16 * 2 ** 20

/**
 * Entries a zip may have. Our own bound, for `go` has none: a million files with the names modules have would
 * fill the 500 MiB with little but their headers.
 */
export const MAX_ZIP_ENTRIES = 1_000_000
