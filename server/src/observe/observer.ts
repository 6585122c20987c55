/**
 * What rooms need to say about themselves: log lines and counters. `observe/` implements it; rooms take it as an
 * argument, so that each can be tested alone.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A counter with labels: `add(1, 'a', 'b')` for label values in the order they were declared. */
export interface Counter {
  add(amount: number, ...labels: string[]): void
}

export interface Observer {
  log: Logger
  /** Same name, same counter. Names end in `_total`; label names are fixed at the first call. */
  counter(name: string, help: string, labels?: readonly string[]): Counter
  /** A figure read when metrics are collected. What fails to be read, or to come within a second, is not a number. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void
  /** The text exposition of all of it. */
  expose(): Promise<{ contentType: string; body: string }>
}
