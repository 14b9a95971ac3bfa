import { ChildProcess } from 'node:child_process'
import { type Server, ServerResponse } from 'node:http'
import { Scrubber, Secret } from '../../src/secret.ts'
import { Canaries, shortest } from './canaries.ts'

const canaries = new Canaries()
const texts = new Map<string, string[]>()

/** Notes a secret that a test uses. */
export function configured(secret: string): void {
  if (secret.length >= shortest) canaries.add(secret)
}

/** Notes what anyone could read. */
export function letOut(where: string, text: string): void {
  const known = texts.get(where)
  if (known) known.push(text)
  else texts.set(where, [text])
}

/** The secrets of this file of tests that stand in what it let out, cut short, each with where. */
export function leaks(): string[] {
  return [...texts].flatMap(([where, parts]) =>
    canaries.in(parts.join('')).map((secret) => `${secret.slice(0, 12)}… in ${where}`),
  )
}

/** Notes every secret as it comes into use, and every log line, answer, line of output, argument and variable of a child. */
export function watchAll(): void {
  wrap(Secret.prototype, 'reveal', (_, __, value) => configured(String(value)))
  wrap(Scrubber.prototype, 'scrub', (_, __, text) => letOut('a scrubbed text', String(text)))
  // However a child is asked for, Node starts it by this method (only the calls that block take another way).
  wrap(ChildProcess.prototype, 'spawn', (_, [options]) => {
    const { args, envPairs } = options as { args: string[]; envPairs: string[] }
    letOut('the arguments of a child', `${args.join('\n')}\n`)
    letOut('the environment of a child', `${envPairs.join('\n')}\n`)
  })
  for (const method of ['write', 'end']) {
    wrap(ServerResponse.prototype, method, (answer, [chunk]) => {
      if (!isOurs(answer)) return
      letOut('a header', JSON.stringify(answer.getHeaders()))
      letOut('an answer', textOf(chunk))
    })
  }
  for (const stream of [process.stdout, process.stderr])
    wrap(stream, 'write', (_, [chunk]) => letOut('what was printed', textOf(chunk)))
  wrap(globalThis, 'fetch', (_, __, answer) => void note(answer as Promise<Response>))
}

/** Stand-ins for forges and dispatchers hand secrets out, as the real ones do. Only our own listeners bound their connections. */
function isOurs(answer: ServerResponse): boolean {
  const { server } = answer.req.socket as unknown as { server: Server | null }
  return server?.maxConnections !== undefined
}

/** An answer of a process of its own is read beside the test. */
async function note(coming: Promise<Response>): Promise<void> {
  const decoder = new TextDecoder()
  try {
    const original = await coming
    // A stream that is read twice cannot be left by either reader. Those of our own process are seen as they are written.
    if (original.headers.get('content-type')?.startsWith('text/event-stream')) return
    const answer = original.clone()
    letOut('a header', JSON.stringify([...answer.headers]))
    for await (const chunk of answer.body ?? []) letOut('an answer', decoder.decode(chunk, { stream: true }))
  } catch {
    // Whoever asked is told why.
  }
}

function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk
  return chunk instanceof Uint8Array ? Buffer.from(chunk).toString('latin1') : ''
}

/** Lets a method be as it is, and looks at each call. */
function wrap<T extends object>(
  owner: T,
  name: string,
  look: (self: T, args: unknown[], result: unknown) => void,
): void {
  const method: unknown = Reflect.get(owner, name)
  if (typeof method !== 'function') throw new Error(`there is no ${name} to be watched`)
  Reflect.set(owner, name, function (this: T, ...args: unknown[]) {
    const result: unknown = method.apply(this, args)
    look(this, args, result)
    return result
  })
}
