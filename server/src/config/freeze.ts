/** Freezes plain objects, arrays and maps, all the way down, and gives the same value back. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (value instanceof Map) {
    for (const item of value.values()) deepFreeze(item)
    // Object.freeze leaves the entries of a map open.
    for (const method of ['set', 'delete', 'clear'])
      Object.defineProperty(value, method, { value: () => refuse(method), enumerable: false })
  }
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}

function refuse(method: string): never {
  throw new TypeError(`this map is frozen: ${method}() is not allowed`)
}
