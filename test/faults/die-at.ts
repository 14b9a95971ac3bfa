// Loaded before the program (`node --import`), so that the program itself knows nothing of it: where the step named by $DIE_AT is about to
// be taken, or has just been taken, the process kills itself. A step is a commit, named for what it writes, or a word to or from the network.
import http, { ClientRequest, ServerResponse } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'

const wanted = process.env.DIE_AT

function pass(step: string): void {
  if (step === wanted) process.kill(process.pid, 'SIGKILL')
}

/** What the open transaction has written, in the words of the steps. */
let written = new Set<string>()

const kinds: readonly [RegExp, string][] = [
  [/^INSERT INTO deliveries/, 'delivery'],
  [/^INSERT INTO hooks/, 'hook'],
  [/^(INSERT INTO|UPDATE) jobs/, 'job'],
]

/** A dispatch is written with the state that it has come to. */
function stepOf(sql: string, values: readonly unknown[]): string | undefined {
  const text = sql.replace(/\s+/g, ' ').trim()
  if (/^(INSERT INTO|UPDATE) dispatches/.test(text))
    return ['intended', 'sent', 'accepted', 'refused', 'unknown'].find((state) => values.includes(state))
  return kinds.find(([pattern]) => pattern.test(text))?.[1]
}

for (const method of ['run', 'get', 'all'] as const) {
  const original = StatementSync.prototype[method] as (...values: unknown[]) => unknown
  Object.defineProperty(StatementSync.prototype, method, {
    value(this: StatementSync, ...values: unknown[]) {
      const step = stepOf(this.sourceSQL, values)
      if (step !== undefined) written.add(step)
      return original.apply(this, values)
    },
  })
}

const exec = DatabaseSync.prototype.exec
DatabaseSync.prototype.exec = function (sql) {
  if (sql.startsWith('BEGIN')) written = new Set()
  const schema = sql.match(/^PRAGMA user_version = (\d+)/)
  if (schema && this.isTransaction) written.add(`schema ${schema[1]}`)
  const steps = sql === 'COMMIT' ? [...written] : []
  for (const step of steps) pass(`before ${step} is committed`)
  exec.call(this, sql)
  for (const step of steps) pass(`after ${step} is committed`)
}

const { request } = http
http.request = ((...args: Parameters<typeof request>) => {
  const call = request(...args)
  if (call.method !== 'POST' || !call.path.endsWith('/dispatch')) return call
  pass('before a runner is asked for')
  call.once('finish', () => pass('after a runner is asked for'))
  const { emit } = ClientRequest.prototype
  call.emit = function (...told: Parameters<typeof emit>) {
    if (told[0] === 'response') pass('after its dispatcher has answered')
    return emit.apply(this, told)
  }
  return call
}) as typeof request
syncBuiltinESMExports()

const { writeHead } = ServerResponse.prototype
ServerResponse.prototype.writeHead = function (this: ServerResponse, ...told: Parameters<typeof writeHead>) {
  if (told[0] === 202) {
    pass('before a delivery is answered')
    this.once('finish', () => pass('after a delivery is answered'))
  }
  return writeHead.apply(this, told)
} as typeof writeHead
