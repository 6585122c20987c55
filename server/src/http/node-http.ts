/**
 * node:http as `require` would give it. An import reads each of its exports, and the one named WebSocket loads all of
 * undici that is built into Node.js: a tenth of a start, and nothing here uses it.
 */
export const http = process.getBuiltinModule('node:http')
