import { setTimeout as delay } from 'node:timers/promises'

/** Longer than anything takes on a busy machine, shorter than a test may last. */
const bound = 25_000
/** Milliseconds between two questions: the longer it takes, the longer. */
const pause = { first: 10, longest: 60 }

/** Asks again and again until the answer is not falsy, and gives it back. `what` is the end of the sentence "waited in vain until …". */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const end = performance.now() + bound
  for (let wait = pause.first; ; wait = Math.min(wait * 1.5, pause.longest)) {
    const answer = await ask()
    if (answer) return answer as Exclude<T, false | null | undefined | 0 | ''>
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
    await delay(wait)
  }
}
