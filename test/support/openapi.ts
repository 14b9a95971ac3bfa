import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

export interface Operation {
  /** `GET /api/v1/jobs/{instance}/{id}`. */
  name: string
  method: string
  path: string
  parameters?: { name: string; in: string; required?: boolean; schema: object }[]
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>
}

export interface OpenApiDocument {
  openapi: string
  info: { title: string; version: string }
  paths: Record<string, Record<string, Omit<Operation, 'name' | 'method' | 'path'>>>
  components: { schemas: Record<string, object> }
}

/** What a document says of each operation, and whether an answer keeps to it. */
export function readOpenApi(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: true, allErrors: true })
  formats.default(ajv)
  ajv.addVocabulary(['components'])
  ajv.addSchema({ $id: 'document', components: document.components })

  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, said]): Operation => {
      const verb = method.toUpperCase()
      return { ...said, name: `${verb} ${path}`, method: verb, path }
    }),
  )

  /** A schema of the document, with its references pointing into the document. */
  function compiled(schema: object) {
    return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')))
  }

  /** How an answer differs from what is declared for its status; empty when it does not. */
  function differences({ responses }: Operation, status: number, type: string, body: unknown): string[] {
    const declared = responses[status] ?? responses[`${Math.floor(status / 100)}XX`]
    if (!declared) return [`${status} is not declared`]
    const [bare = ''] = type.split(';')
    const content = declared.content[bare]
    if (!content) return [`${status} is not declared as ${bare}`]
    const check = compiled(content.schema)
    check(body)
    return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }

  return { operations, compiled, differences }
}
