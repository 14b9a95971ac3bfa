/** Waits for work until the signal is aborted, which rejects with its reason; the work itself goes on. */
export async function orGivenUp<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) work.catch(() => undefined)
  signal.throwIfAborted()
  const over = new AbortController()
  const givenUp = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over.signal })
  })
  return Promise.race([work, givenUp]).finally(() => over.abort())
}
