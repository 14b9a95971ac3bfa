import { type Clock, systemClock } from '../../src/clock.ts'

/** A clock that runs `speed` times as fast as the wall's, for what is timed against real processes. */
export function quickClock(speed: number): Clock {
  const began = { wall: Date.now(), monotonic: performance.now() }
  const monotonic = () => (performance.now() - began.monotonic) * speed
  return {
    now: () => Math.round(began.wall + monotonic()),
    monotonic,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  }
}
