import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

/** One request with its answer, as the network saw it. */
export interface Exchange {
  method: string
  url: URL
  /** Parsed JSON; undefined where there was none. */
  sent: unknown
  status: number
  answered: unknown
}

/** A forge's own description of its API (Swagger 2.0), as an oracle for fixtures and for what we send. */
export interface Spec {
  /** What of the exchange the description does not know; empty when all is well. */
  violations(exchange: Exchange): string[]
}

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null
type JsonObject = { [key: string]: Json }

interface Operation {
  parameters?: { name: string; in: string; schema?: JsonObject; $ref?: string }[]
  responses: Record<string, { schema?: JsonObject; $ref?: string }>
}

interface Document {
  basePath: string
  paths: Record<string, Record<string, Operation>>
  definitions: JsonObject
  responses: Record<string, { schema?: JsonObject }>
}

const folder = new URL('../../../shared/specs/', import.meta.url)

/** False where the descriptions are not beside the repository; says so, because tests are skipped then. */
export const haveSpecs = existsSync(fileURLToPath(folder))
if (!haveSpecs)
  console.warn("SKIPPED: the forges' API descriptions are missing (../shared/specs): fixtures are not checked")

/** Reads `<name>.swagger.json`. Paths below `base` are compared. */
export function readSpec(name: string, base: string): Spec {
  const document = JSON.parse(readFileSync(new URL(`${name}.swagger.json`, folder), 'utf8')) as Document
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addFormat('int64', true)
  ajv.addSchema({ $id: 'spec', definitions: strict(document.definitions) })
  const compiled = new Map<string, ValidateFunction>()
  const paths = Object.entries(document.paths).map(([path, operations]) => ({ shape: shapeOf(path), operations }))
  const root = new URL(base).pathname.replace(/\/$/, '') + document.basePath

  function check(schema: JsonObject | undefined, value: unknown, where: string): string[] {
    if (!schema) return []
    const key = JSON.stringify(schema)
    const validate =
      compiled.get(key) ?? ajv.compile(JSON.parse(JSON.stringify(strict(schema)).replaceAll('"#/', '"spec#/')))
    compiled.set(key, validate)
    if (validate(value)) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${where}${instancePath} ${message} ${JSON.stringify(params)}`,
    )
  }

  return {
    violations({ method, url, sent, status, answered }) {
      const where = `${method} ${url.pathname}`
      const path = url.pathname.slice(root.length)
      // The more of a path is literal, the better it fits: `/runners/jobs` is not `/runners/{runner_id}`.
      const fitting = paths
        .filter(({ shape }) => shape.test(path))
        .sort((one, other) => holes(one.shape) - holes(other.shape))
      const operation = fitting[0]?.operations[method.toLowerCase()]
      if (!operation)
        return status === 404 || status === 405 ? [] : [`${where} is unknown, and was answered with ${status}`]
      const known = new Set(operation.parameters?.filter((one) => one.in === 'query').map((one) => one.name))
      const unknown = [...new Set(url.searchParams.keys())].filter((name) => !known.has(name))
      const body = operation.parameters?.find((one) => one.in === 'body')?.schema
      const response = operation.responses[status]
      const named = response?.$ref ? document.responses[response.$ref.replace('#/responses/', '')] : response
      return [
        ...unknown.map((name) => `${where} has no query parameter ${name}`),
        ...(sent === undefined ? [] : body ? check(body, sent, `${where}: sent`) : [`${where} takes no body`]),
        ...(response ? check(named?.schema, answered, `${where}: answered`) : [`${where} never answers ${status}`]),
      ]
    },
  }
}

function shapeOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)
}

function holes(shape: RegExp): number {
  return shape.source.split('[^').length
}

/** The same schema, in which nothing may be that is not described, and a list may be null (Go's nil slice). */
function strict(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]))
  if (inner.type === 'array') return { ...inner, type: ['array', 'null'] }
  if (inner.type === 'object' && inner.properties && !('additionalProperties' in inner)) {
    return { ...inner, additionalProperties: false }
  }
  return inner
}
