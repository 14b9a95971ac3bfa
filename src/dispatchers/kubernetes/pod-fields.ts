/** What the client knows of each type of the API: its fields with their types. */
interface Model {
  getAttributeTypeMap(): readonly { baseName: string; type: string }[]
}

/** The paths of all fields that a type of the API does not have. The client would leave them out without a word. */
export function unknownFields(value: unknown, type: string, models: ReadonlyMap<string, unknown>, path = ''): string[] {
  const [, inner] = /^Array<(.*)>$/.exec(type) ?? []
  if (inner !== undefined)
    return Array.isArray(value) ? value.flatMap((one, at) => unknownFields(one, inner, models, `${path}[${at}]`)) : []
  const fields = fieldsOf(models.get(type))
  if (fields === null || typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const field = fields.find(({ baseName }) => baseName === key)
    const place = path ? `${path}.${key}` : key
    return field ? unknownFields(member, field.type, models, place) : [place]
  })
}

function fieldsOf(model: unknown): ReturnType<Model['getAttributeTypeMap']> | null {
  return isModel(model) ? model.getAttributeTypeMap() : null
}

function isModel(value: unknown): value is Model {
  return typeof value === 'function' && 'getAttributeTypeMap' in value
}
