import { z } from 'zod'
import { nearest } from '../core/nearest.ts'
import { found, foundKind } from './refusal.ts'

/** A mapping as YAML gives it. */
export type Tree = Readonly<Record<string, unknown>>

/** Reports one problem at a path below the value in hand. */
export type Tell = (path: readonly PropertyKey[], message: string) => void

/** A field that is written under one of several keys (`token`, `token_env`, …). */
export interface Spread<T> {
  keys(name: string): readonly string[]
  read(name: string, parent: Tree, tell: Tell): T | undefined
}

type Shape = Readonly<Record<string, z.ZodType | Spread<unknown>>>

/** What a shape reads to. */
export type Fields<S extends Shape> = {
  -readonly [Key in keyof S]: S[Key] extends z.ZodType ? z.output<S[Key]> : S[Key] extends Spread<infer T> ? T : never
}

/**
 * A mapping with exactly these keys. Each field is read by itself and `check` sees what could be read, so one mistake never hides another
 * (zod's own objects skip transforms and refinements as soon as one member failed). A key without a value counts as left out.
 */
export function mapping<S extends Shape>(
  shape: S,
  check?: (fields: Partial<Fields<S>>, tell: Tell, written: Tree) => void,
): z.ZodType<Fields<S>> {
  return z.unknown().transform((input, ctx) => {
    const tell: Tell = (path, message) => ctx.issues.push({ code: 'custom', path: [...path], message, input })
    if (!isTree(input)) {
      tell([], `expected a mapping, found ${foundKind(input)}`)
      return z.NEVER
    }
    tellUnknownKeys(shape, input, tell)
    // Without a prototype, a key called `__proto__` is a key like any other.
    const fields: Record<string, unknown> = Object.create(null)
    for (const [key, field] of Object.entries(shape)) {
      if ('read' in field) {
        fields[key] = field.read(key, input, tell)
        continue
      }
      const result = field.safeParse(valueAt(input, key))
      if (result.success) fields[key] = result.data
      else for (const issue of result.error.issues) tell([key, ...issue.path], issue.message)
    }
    const known = fields as Fields<S>
    check?.(known, tell, input)
    return known
  })
}

/** A schema that is chosen by what is written. */
export function chosen<T>(pick: (input: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((input, ctx) => {
    const result = pick(input).safeParse(input)
    if (result.success) return result.data
    for (const { path, message } of result.error.issues) ctx.issues.push({ code: 'custom', path, message, input })
    return z.NEVER
  })
}

/** Refuses whatever is written, at one of its keys. */
export function refusedAt(key: string, message: string): z.ZodType<never> {
  return z.unknown().transform((input, ctx): never => {
    ctx.issues.push({ code: 'custom', path: [key], message, input })
    return z.NEVER
  })
}

/** Names with values of one type. */
export function named<T>(name: z.ZodType<string>, value: z.ZodType<T>): z.ZodType<ReadonlyMap<string, T>> {
  return chosen((input) => {
    const keys = isTree(input) ? Object.keys(input) : []
    const shape: Record<string, z.ZodType<T>> = Object.fromEntries(keys.map((key) => [key, value]))
    return mapping(shape, (_, tell) => {
      for (const key of keys) {
        const result = name.safeParse(key)
        if (!result.success) tell([key], result.error.issues[0]?.message ?? '')
      }
    }).transform((fields) => new Map(Object.entries(fields)))
  })
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a key; undefined when it is left out or empty. */
export function valueAt(tree: Tree, key: string): unknown {
  return Object.hasOwn(tree, key) ? (tree[key] ?? undefined) : undefined
}

function tellUnknownKeys(shape: Shape, input: Tree, tell: Tell): void {
  const known = Object.entries(shape).flatMap(([name, field]) => ('read' in field ? field.keys(name) : [name]))
  for (const key of Object.keys(input)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    tell(
      [key],
      `expected a known key, found ${foundKey(key)}, ${near ? `did you mean "${near}"?` : `known here: ${known.join(', ')}`}`,
    )
  }
}

/** A key that is no word may hold what was meant to be a value (`{token:abc}`). */
function foundKey(key: string): string {
  if (/^[\w.-]{1,40}$/.test(key)) return found(key)
  return key.includes(':') ? 'one that holds a colon (a space belongs after it)' : 'one that is no word'
}
