import type { Rate } from '../config/limits/limits-config.ts'

/**
 * What was counted in the window that runs and in the one before it. The sliding window is estimated from the two, as if
 * what was counted in the former were spread evenly over it: three numbers a client, and no list of times. The estimate
 * is never below the truth by more than what one window holds, and it cannot be made to forget by waiting for a border
 * between windows.
 */
export interface Window {
  /** By the clock that is given to the functions here. Milliseconds. */
  start: number
  current: number
  previous: number
}

export function openWindow(now: number): Window {
  return { start: now, current: 0, previous: 0 }
}

/** What counts now. Moves the window on. */
export function used(window: Window, length: number, now: number): number {
  const age = now - window.start
  if (age >= length) {
    const next = age < 2 * length
    window.previous = next ? window.current : 0
    window.current = 0
    window.start = next ? window.start + length : now
  }
  return window.previous * (1 - (now - window.start) / length) + window.current
}

/** Whether one more is within the rate. */
export function hasRoom(window: Window, { amount, window: length }: Rate, now: number): boolean {
  return used(window, length, now) + 1 <= amount
}

/** Milliseconds until one more is within the rate, if nothing else is counted meanwhile; 0 where it is now. */
export function freeIn(window: Window, { amount, window: length }: Rate, now: number): number {
  if (hasRoom(window, { amount, window: length }, now)) return 0
  const { start, current, previous } = window
  const most = amount - 1
  // Within this window, once enough of the former one has slid out; else within the next, where this one slides out.
  if (current <= most) return start + length * (1 - (most - current) / previous) - now
  return start + length * (2 - most / current) - now
}
