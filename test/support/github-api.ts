import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { Exchange, Spec } from './specs.ts'

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null
type Schema = { [key: string]: Json }

interface Parameter {
  name: string
  in: string
  $ref?: string
}

interface Operation {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }>; $ref?: string }>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Schema; parameters: Record<string, Parameter>; responses: Operation['responses'] }
}

let loaded: Spec | null = null

/**
 * GitHub's own description of its REST API, as an oracle for what we send and what is answered. It is 13 MB, so it is read as data, at the
 * first use. `base` is where the API begins.
 */
export function githubApi(base: string): Spec {
  const root = new URL(base).pathname.replace(/\/$/, '')
  return {
    violations(exchange) {
      loaded ??= load()
      const url = new URL(exchange.url)
      url.pathname = url.pathname.slice(root.length)
      return loaded.violations({ ...exchange, url })
    },
  }
}

function load(): Spec {
  const published = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json')
  const { paths, components }: Document = JSON.parse(readFileSync(published, 'utf8'))
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true })
  formats.default(ajv)
  ajv.addFormat('int64', true)
  ajv.addFormat('repo.nwo', true)
  ajv.addSchema({ $id: 'github', components: { schemas: modern(components.schemas) } })
  const shapes = Object.keys(paths).map((path) => ({ path, shape: shapeOf(path) }))
  const compiled = new Map<Schema, ValidateFunction>()

  function check(schema: Schema | undefined, value: unknown, where: string): string[] {
    if (schema === undefined) return []
    const text = () => JSON.stringify(modern(schema)).replaceAll('"#/components', '"github#/components')
    const validate = compiled.get(schema) ?? ajv.compile(JSON.parse(text()))
    compiled.set(schema, validate)
    validate(value)
    return (validate.errors ?? []).map(({ instancePath, message }) => `${where}${instancePath} ${message}`)
  }

  function answerOf({ responses }: Operation, status: number) {
    const answer = responses[status]
    return answer?.$ref ? components.responses[answer.$ref.replace('#/components/responses/', '')] : answer
  }

  function queryOf({ parameters = [] }: Operation): Set<string> {
    const all = parameters.map((one) =>
      one.$ref ? components.parameters[one.$ref.replace('#/components/parameters/', '')] : one,
    )
    return new Set(all.flatMap((one) => (one?.in === 'query' ? [one.name] : [])))
  }

  function violations({ method, url, sent, status, answered }: Exchange): string[] {
    const where = `${method} ${url.pathname}`
    // The more of a path is literal, the better it fits: `/runners/downloads` is not `/runners/{runner_id}`.
    const fitting = shapes
      .filter(({ shape }) => shape.test(url.pathname))
      .sort((one, other) => holes(one.path) - holes(other.path))
    const operation = paths[fitting[0]?.path ?? '']?.[method.toLowerCase()]
    if (operation === undefined) return [`${where} is unknown`]
    const known = queryOf(operation)
    const body = operation.requestBody?.content['application/json']?.schema
    const unknown = [...new Set(url.searchParams.keys())].filter((name) => !known.has(name))
    return [
      ...unknown.map((name) => `${where} has no query parameter ${name}`),
      ...(sent === undefined ? [] : body ? check(closed(body), sent, `${where}: sent`) : [`${where} takes no body`]),
      // Refusals are the same everywhere; not each is written down with each operation.
      ...(status >= 300 ? [] : answeredBy(operation)),
    ]

    function answeredBy(operation: Operation): string[] {
      const answer = answerOf(operation, status)
      if (answer === undefined) return [`${where} never answers ${status}`]
      return check(answer.content?.['application/json']?.schema, answered, `${where}: answered`)
    }
  }

  return { violations }
}

const closedOnes = new Map<Schema, Schema>()

/** A body in which nothing may stand that is not described. */
function closed(schema: Schema): Schema {
  const known = closedOnes.get(schema) ?? (schema.properties ? { ...schema, additionalProperties: false } : schema)
  closedOnes.set(schema, known)
  return known
}

/** OpenAPI 3.0 says `nullable` where JSON Schema says that null is a type too. */
function modern(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(modern)
  if (typeof schema !== 'object' || schema === null) return schema
  const { nullable, ...inner } = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, modern(value)]))
  if (nullable !== true) return nullable === undefined || nullable === false ? inner : { nullable, ...inner }
  return { anyOf: [inner, { type: 'null' }] }
}

function shapeOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)
}

function holes(path: string): number {
  return path.split('{').length
}
