import type { ServerResponse } from 'node:http'
import { type Call, say } from './api-server.ts'
import { Refusal } from './status.ts'

/** The connection is reset in place of an answer. */
export const broken = (_: Call, answer: ServerResponse) => void answer.socket?.resetAndDestroy()

/** Does this to the first call of that right, and lets all else pass. */
export const once = (right: string, act: (call: Call, answer: ServerResponse) => unknown) => {
  let done = false
  return (call: Call, answer: ServerResponse) => {
    if (done || `${call.verb} ${call.resource}` !== right) return
    done = true
    return act(call, answer)
  }
}

/** The API refuses in its own words. */
export const answering =
  (code: number, word: string, message: string, headers: Record<string, string> = {}) =>
  (_: Call, answer: ServerResponse) =>
    say(answer, code, new Refusal(code, word, message).body, headers)
