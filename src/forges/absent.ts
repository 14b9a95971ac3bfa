import { ForgeRefused } from './errors.ts'

/** The answer of a call, or null where the forge has no such thing: 404, and 405 where the path knows other methods only. */
export async function unlessAbsent<T>(call: Promise<T>, absent: readonly number[] = [404, 405]): Promise<T | null> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ForgeRefused && absent.includes(error.status)) return null
    throw error
  }
}
