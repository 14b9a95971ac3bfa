/** Aborted by the first SIGTERM or SIGINT, with its name as the reason; a second one ends the process at once. */
export function endingBySignal(): AbortSignal {
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(1)
      ending.abort(name)
    })
  }
  return ending.signal
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
