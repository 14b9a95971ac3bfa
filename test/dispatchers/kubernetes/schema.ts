import * as client from '@kubernetes/client-node'

const models = new Map<string, unknown>(Object.entries(client))

/** What is wrong with an object by the published OpenAPI of Kubernetes, as far as the client carries it: names of fields and their types. */
export function wrongFields(value: unknown, type: string, path = ''): string[] {
  const [, inner] = /^Array<(.*)>$/.exec(type) ?? []
  if (inner !== undefined)
    return Array.isArray(value)
      ? value.flatMap((one, at) => wrongFields(one, inner, `${path}[${at}]`))
      : [`${path}: no list`]
  const [, member] = /^\{ \[key: string\]: (.*); \}$/.exec(type) ?? []
  if (member !== undefined)
    return isTree(value)
      ? Object.entries(value).flatMap(([key, one]) => wrongFields(one, member, `${path}[${key}]`))
      : [`${path}: no mapping`]
  if (['string', 'number', 'boolean'].includes(type)) return typeof value === type ? [] : [`${path}: no ${type}`]
  const model = models.get(type)
  if (!isModel(model)) return []
  if (!isTree(value)) return [`${path}: no mapping`]
  const fields = new Map(model.getAttributeTypeMap().map((field) => [field.baseName, field.type]))
  return Object.entries(value).flatMap(([key, one]) => {
    const known = fields.get(key)
    return known === undefined ? [`${path}.${key}: unknown field`] : wrongFields(one, known, `${path}.${key}`)
  })
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isModel(value: unknown): value is { getAttributeTypeMap(): readonly { baseName: string; type: string }[] } {
  return typeof value === 'function' && 'getAttributeTypeMap' in value
}
