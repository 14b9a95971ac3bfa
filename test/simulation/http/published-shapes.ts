import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv, type AnySchemaObject } from 'ajv'
import formats from 'ajv-formats'

interface Spec {
  definitions: Record<string, AnySchemaObject>
  responses: Record<string, { schema?: AnySchemaObject }>
  paths: Record<string, Record<string, { responses: Record<string, { $ref?: string; schema?: AnySchemaObject }> }>>
}

const fileOf = (name: string) =>
  fileURLToPath(new URL(`../../../../shared/specs/${name}.swagger.json`, import.meta.url))

/** The API descriptions that the forges publish lie beside the repository, where they are at all. */
export const publishedShapesAreHere = existsSync(fileOf('forgejo-15'))
if (!publishedShapesAreHere) {
  console.warn(
    'SKIPPED: the published API descriptions (../shared/specs) are missing, so no shape is checked against them',
  )
}

/**
 * What is wrong with an answer by the description that a forge publishes of itself; an empty list when nothing is.
 * Stricter than the description: a key that it does not name is wrong. Looser: any list may be null, as Go writes an empty one.
 */
export function wrongBy(spec: string, method: 'get' | 'post', path: string, status: number, answer: unknown): string[] {
  const published = load(spec)
  const response = published.paths[path]?.[method]?.responses[status]
  if (!response) return [`${spec} has no answer ${status} to ${method} ${path}`]
  const { $ref = '' } = response
  const shared = $ref.startsWith('#/definitions/')
    ? { $ref }
    : published.responses[$ref.split('/').at(-1) ?? '']?.schema
  const schema = response.schema ?? shared
  return schema ? wrong(published, schema, answer) : [`${spec} describes no body for ${method} ${path}`]
}

/** The same for one of the objects that the description defines. */
export function wrongAs(spec: string, definition: string, value: unknown): string[] {
  return wrong(load(spec), { $ref: `#/definitions/${definition}` }, value)
}

function wrong({ definitions }: Spec, schema: AnySchemaObject, value: unknown): string[] {
  const ajv = new Ajv({ strict: false, allErrors: true })
  formats.default(ajv)
  const validate = ajv.compile({ ...adapted(schema), definitions: adapted(definitions) })
  validate(value)
  return (validate.errors ?? []).map(
    (error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  )
}

function load(name: string): Spec {
  return JSON.parse(readFileSync(fileOf(name), 'utf8'))
}

function adapted<T>(schema: T): T {
  return JSON.parse(JSON.stringify(schema), (key, value) => {
    if (key === 'type' && value === 'array') return ['array', 'null']
    const isObject = value?.type === 'object' && value.properties && value.additionalProperties === undefined
    return isObject ? { ...value, additionalProperties: false } : value
  })
}
