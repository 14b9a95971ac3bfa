import { isTree, type Tree } from '../../fields/mapping.ts'

/**
 * `over` laid upon `base`: mappings key by key, lists of named entries (containers, volumes, env, …) entry by entry, other lists of
 * mappings (tolerations) one after the other. Everything else is `over`'s.
 */
export function merged(base: unknown, over: unknown): unknown {
  if (over === undefined) return base
  if (isTree(base) && isTree(over)) return mergedTrees(base, over)
  if (holdsTrees(base) && holdsTrees(over)) return mergedLists(base, over)
  return over
}

function mergedTrees(base: Tree, over: Tree): Tree {
  const keys = new Set([...Object.keys(base), ...Object.keys(over)])
  return Object.fromEntries([...keys].map((key) => [key, merged(at(base, key), at(over, key))]))
}

function mergedLists(base: readonly Tree[], over: readonly Tree[]): readonly unknown[] {
  const named = new Map(over.flatMap((entry) => (nameOf(entry) === null ? [] : [[nameOf(entry), entry]])))
  const known = new Set(base.map(nameOf))
  return [
    ...base.map((entry) => (nameOf(entry) === null ? entry : merged(entry, named.get(nameOf(entry))))),
    ...over.filter((entry) => nameOf(entry) === null || !known.has(nameOf(entry))),
  ]
}

function holdsTrees(value: unknown): value is readonly Tree[] {
  return Array.isArray(value) && value.every(isTree)
}

function nameOf(entry: Tree): string | null {
  return typeof entry.name === 'string' ? entry.name : null
}

function at(tree: Tree, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined
}
