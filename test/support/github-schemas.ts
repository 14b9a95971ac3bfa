import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'

// Read as data, not imported: a type made of five megabytes of JSON would cost every type check seconds.
const published = createRequire(import.meta.url).resolve('@octokit/openapi-webhooks/generated/api.github.com.json')

let schemas: Ajv | null = null

/**
 * Checks a payload against the schema that GitHub publishes for this event and action (null for an event without actions, like
 * `ping`). Answers what is wrong, an empty list when nothing is; throws when GitHub has no such event.
 */
export function validateWebhook(event: string, action: string | null, payload: unknown): string[] {
  schemas ??= load()
  const name = ['webhook', event, ...(action === null ? [] : [action])].join('-').replaceAll('_', '-')
  const validate = schemas.getSchema(`github#/components/schemas/${name}`)
  if (validate === undefined) throw new Error(`GitHub publishes no schema named ${name}`)
  validate(payload)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
}

function load(): Ajv {
  const { components } = JSON.parse(readFileSync(published, 'utf8'))
  const ajv = new Ajv({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema({ $id: 'github', components })
  return ajv
}
