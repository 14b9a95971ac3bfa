/** One system call as `strace -f -y` writes it, of the thread that made it. */
interface Call {
  thread: string
  name: string
  /** What the descriptor stands for, and what follows it. */
  on: string
  rest: string
}

const line = /^(\d+) +(\w+)\(\d+<([^>]*)>(?:, )?(.*)$/

function callsIn(trace: string): Call[] {
  return trace.split('\n').flatMap((text) => {
    const found = line.exec(text)
    return found ? { thread: found[1]!, name: found[2]!, on: found[3]!, rest: found[4]! } : []
  })
}

/** How many deliveries were answered 2xx in a trace, and how many of them with nothing written through to the disk since they were read. */
export function answersIn(trace: string): { answered: number; unsynced: number } {
  let syncs = 0
  let answered = 0
  let unsynced = 0
  /** By connection: how often was synced when its request was read. */
  const readAt = new Map<string, number>()
  for (const { name, on, rest } of callsIn(trace)) {
    if (/^f(data)?sync$/.test(name) && /\.db(-wal)?$/.test(on)) syncs++
    if (/^read/.test(name) && rest.includes('POST /webhook')) readAt.set(on, syncs)
    if (/^write/.test(name) && rest.includes('HTTP/1.1 202')) {
      answered++
      if (syncs <= (readAt.get(on) ?? syncs)) unsynced++
    }
  }
  return { answered, unsynced }
}
