import { dirname, resolve } from 'node:path'
import { isTree, type Tree } from '../fields/mapping.ts'
import type { Reading } from '../fields.ts'
import { Scrubber } from '../secret.ts'
import { build } from './build.ts'
import type { Config } from './config.ts'
import { crossChecks } from './cross-checks.ts'
import { dispatcher } from './dispatcher-schema.ts'
import { type ConfigDocument, readDocument } from './document.ts'
import { ConfigInvalid, type Problem } from './invalid.ts'
import { configuration } from './schema.ts'
import { readText } from './text.ts'
import { warningsOf } from './warnings.ts'

/** Reads and checks the configuration: file, text, document, tree, checks, Config. Throws `ConfigInvalid` with every problem at once. */
export function loadConfig(file: string, environment: Reading['environment'] = process.env): Config {
  const read = readText(file)
  if ('problem' in read) throw new ConfigInvalid(file, [{ line: 1, column: 1, path: '', message: read.problem }])
  const document = readDocument(read.text)
  if (!document.whole) throw new ConfigInvalid(file, document.problems)

  const reading: Reading = { environment, folder: dirname(resolve(file)), secrets: [], files: [], warnings: [] }
  const checked = configuration(reading).safeParse(document.tree)
  const problems = [...document.problems, ...problemsAcross(document)]
  for (const { path, message } of checked.error?.issues ?? []) problems.push(document.problemAt(path, message))
  if (!checked.success || problems.length > 0) throw new ConfigInvalid(file, scrubbed(problems, document.tree, reading))

  const { secrets, files } = reading
  const built = build(checked.data, dispatcher(reading).parse({ kind: 'process' }))
  const config = { ...built, secrets, files: [file, ...files] }
  return { ...config, warnings: [...reading.warnings, ...misplaced(document), ...warningsOf(config)] }
}

function problemsAcross(document: ConfigDocument): Problem[] {
  const problems: Problem[] = []
  if (!isTree(document.tree)) return problems
  crossChecks(
    document.tree,
    (path, message) => problems.push(document.problemAt(path, message)),
    (path) => document.problemAt(path, '').line,
  )
  return problems
}

/** No message is made to show a secret; this is for one that stands in a second place, such as a name. */
function scrubbed(problems: readonly Problem[], tree: unknown, { secrets }: Reading): Problem[] {
  const scrubber = new Scrubber(secrets)
  for (const value of secretTexts(tree)) scrubber.add(value)
  return problems.map((one) => ({ ...one, path: scrubber.scrub(one.path), message: scrubber.scrub(one.message) }))
}

/** Texts that look like tokens where none is expected: such a place is shown in answers and logs. */
function* misplaced(document: ConfigDocument, tree = document.tree, path: (string | number)[] = []): Generator<string> {
  if (typeof tree === 'string' && looksLikeToken.test(tree)) {
    const { line, path: place } = document.problemAt(path, '')
    yield `${place} (line ${line}) looks like a token; one belongs under token, token_env, token_file or token_credential.`
  }
  if (typeof tree !== 'object' || tree === null || path.length > 10) return
  for (const [key, value] of Object.entries(tree as Tree)) {
    if (!secretKey.test(key)) yield* misplaced(document, value, [...path, Array.isArray(tree) ? Number(key) : key])
  }
}

const looksLikeToken = /^(?:gh[a-z]_\w{16,}|github_pat_\w{16,}|[0-9a-f]{40})$/

const secretKey = /(token|secret|password|private_key)$/i

/** Every text that stands under a key for secrets, wherever that is. */
function* secretTexts(tree: unknown, underSecret = false, depth = 0): Generator<string> {
  if (typeof tree === 'string' && underSecret) yield* tree.split(/\$\{\w*\}/)
  if (typeof tree !== 'object' || tree === null || depth > 10) return
  for (const [key, value] of Object.entries(tree as Tree)) {
    yield* secretTexts(value, underSecret || secretKey.test(key), depth + 1)
  }
}
