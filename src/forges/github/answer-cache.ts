import type { HttpAnswer } from '../../http-client.ts'
import type { AnswerCache } from '../api.ts'

const most = { answer: 64 * 1024, all: 16 * 1024 * 1024 }

/** An answer's tag depends on the token that it was given to. */
export interface TokenAnswers extends AnswerCache {
  /** Forgets all when this is another token than that of the last time. */
  keepFor(token: string): void
}

/**
 * Keeps small answers, the least used ones go first. The lists of idle repositories are nearly all that an organization's look reads,
 * they are tiny, and they do not change. At most 16 Mi characters in all; an answer above 64 Ki is not kept.
 */
export function createAnswerCache(limits: { answer: number; all: number } = most): TokenAnswers {
  const answers = new Map<string, HttpAnswer>()
  let size = 0
  let keeper: string | null = null

  function forget(url: string) {
    size -= answers.get(url)?.body.length ?? 0
    answers.delete(url)
  }

  function keep(url: string, answer: HttpAnswer) {
    answers.set(url, answer)
    size += answer.body.length
  }

  return {
    keepFor(token) {
      if (token === keeper) return
      keeper = token
      answers.clear()
      size = 0
    },
    get(url) {
      const answer = answers.get(url)
      if (answer === undefined) return undefined
      forget(url)
      keep(url, answer)
      return answer
    },
    set(url, answer) {
      forget(url)
      if (answer.body.length > limits.answer) return
      keep(url, answer)
      for (const oldest of answers.keys()) {
        if (size <= limits.all) break
        forget(oldest)
      }
    },
  }
}
