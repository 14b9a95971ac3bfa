/** Lets so many through at a time, in the order in which they came. */
export function createGate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let inside = 0
  return async (work) => {
    if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else inside++
    try {
      return await work()
    } finally {
      // Whoever is next takes this one's place.
      const next = waiting.shift()
      if (next) next()
      else inside--
    }
  }
}
