import { requestTarget } from '../core/request.ts'
import { isTree, type Tell, type Tree, valueAt } from '../fields/mapping.ts'
import { found, told } from '../fields/refusal.ts'
import { saysNothing } from './dispatcher-schema.ts'

type Path = readonly (string | number)[]

/** An entry of a list with its place; entries that are no mappings are told elsewhere. */
interface Entry {
  path: Path
  tree: Tree
}

/**
 * What one part of the file demands of another. It reads the tree as written, so that these mistakes are told beside any other.
 * `line` says where something stands.
 */
export function crossChecks(tree: Tree, tell: Tell, line: (path: Path) => number): void {
  const instances = entries(tree, [], 'instances')
  checkUnique(instances, tell, line)
  for (const { tree, path } of instances) checkUnique(entries(tree, path, 'targets'), tell, line)
  const admin = valueAt(tree, 'admin')
  if (isTree(admin)) checkUnique(entries(admin, ['admin'], 'tokens'), tell, line)
  checkDispatchers(tree, instances, tell)
  checkDispatcherApi(tree, instances, tell)
  for (const one of instances) checkTargetNames(one, tell)
}

function entries(parent: Tree, above: Path, key: string): Entry[] {
  const list = valueAt(parent, key)
  if (!Array.isArray(list)) return []
  return list.flatMap((tree: unknown, index) => (isTree(tree) ? [{ path: [...above, key, index], tree }] : []))
}

function checkUnique(list: readonly Entry[], tell: Tell, line: (path: Path) => number): void {
  const seen = new Map<string, Path>()
  for (const { path, tree } of list) {
    const name = valueAt(tree, 'name')
    if (typeof name !== 'string') continue
    const place = [...path, 'name']
    const first = seen.get(name)
    if (first)
      tell(place, `expected a name of its own, found ${found(name)} again, the first is on line ${line(first)}`)
    else seen.set(name, place)
  }
}

function checkDispatchers(tree: Tree, instances: readonly Entry[], tell: Tell): void {
  const map = valueAt(tree, 'dispatchers')
  const named = isTree(map) ? Object.keys(map) : []
  const known = isTree(valueAt(tree, 'dispatcher')) ? [...new Set([...named, 'default'])] : named
  const check = ({ path, tree }: Entry) =>
    checkReference(valueAt(tree, 'dispatcher'), [...path, 'dispatcher'], known, tell)
  check({ path: [], tree })
  const hasDefault = isGiven(tree) || named.includes('default') || named.length < 2
  for (const one of instances) {
    check(one)
    for (const target of entries(one.tree, one.path, 'targets')) {
      check(target)
      checkFallback(target, known, tell)
      if (hasDefault || isGiven(one.tree) || isGiven(target.tree)) continue
      tell(
        [...target.path, 'dispatcher'],
        `expected one of ${known.join(', ')}, found nothing, or call one of them default`,
      )
    }
  }
}

/** What is asked instead has a name: a dispatcher written out here could be used by nobody else. */
function checkFallback({ path, tree }: Entry, known: readonly string[], tell: Tell): void {
  const list = valueAt(tree, 'fallback')
  if (!Array.isArray(list)) return
  list.forEach((one: unknown, index) => {
    checkReference(one, [...path, 'fallback', index], known, tell)
  })
}

function isGiven(parent: Tree): boolean {
  const value = valueAt(parent, 'dispatcher')
  return isTree(value) ? !saysNothing(value) : value !== undefined
}

function checkReference(value: unknown, path: Path, known: readonly string[], tell: Tell): void {
  if (typeof value !== 'string' || value === '' || known.includes(value)) return
  if (known.length > 0) tell(path, told(`the name of a dispatcher (${known.join(', ')})`)({ input: value }))
  else tell(path, told('a dispatcher', 'none has a name here; write it out, such as {kind: process}')({ input: value }))
}

/** Which instance it is for, where there is a choice. */
function checkDispatcherApi(tree: Tree, instances: readonly Entry[], tell: Tell): void {
  const api = valueAt(tree, 'dispatcher_api')
  if (!isTree(api) || valueAt(api, 'enabled') !== true) return
  const names = instances.map(({ tree }) => valueAt(tree, 'name')).filter((name) => typeof name === 'string')
  const wanted = valueAt(api, 'instance')
  if (typeof wanted === 'string' && names.includes(wanted)) return
  if (wanted === undefined && names.length < 2) return
  const path = ['dispatcher_api', 'instance']
  tell(
    path,
    told(`the name of an instance (${names.join(', ')})`, 'the others have a path of their own')({ input: wanted }),
  )
}

/** What callers of the dispatcher API ask for is counted under this name. */
function checkTargetNames({ path, tree }: Entry, tell: Tell): void {
  for (const target of entries(tree, path, 'targets')) {
    if (valueAt(target.tree, 'name') === requestTarget)
      tell(
        [...target.path, 'name'],
        `expected another name, found "${requestTarget}", which stands for the dispatcher API`,
      )
  }
}
