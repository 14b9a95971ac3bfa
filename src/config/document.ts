import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import type { Problem } from './invalid.ts'
import { syntaxRefusal } from './syntax.ts'

type Path = readonly PropertyKey[]

/** A YAML document with the places of everything in it. */
export interface ConfigDocument {
  /** Plain values. */
  tree: unknown
  /** What is wrong with the YAML itself. */
  problems: readonly Problem[]
  /** False when the tree is not all that was written, so that checking it would only mislead. */
  whole: boolean
  /** A problem at its key or list entry, or at the nearest one above it that is written. */
  problemAt(path: Path, message: string): Problem
}

// Core schema: no dates, no `yes`, no merge keys. Duplicate keys are found here, to tell both places.
const options = { schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const

/** Reads one YAML document. Never throws, and never quotes a value. */
export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter()
  const anchors = new Map<string, Node>()
  const problems: Problem[] = []
  const tellAt = (offset: number, path: Path, message: string) => problems.push(problem(lines, offset, path, message))
  const broken = (offset: number, message: string): ConfigDocument => {
    tellAt(offset, [], message)
    return { tree: null, problems, whole: false, problemAt: (path, said) => problem(lines, 0, path, said) }
  }
  try {
    const doc = parseDocument(text, { ...options, lineCounter: lines })
    const refused = [...doc.errors, ...doc.warnings]
    for (const { code, pos } of refused) tellAt(pos[0], [], syntaxRefusal(code))
    if (doc.contents === null && refused.length === 0) return broken(0, 'expected a configuration, found nothing')
    const problemAt = (path: Path, said: string) => problem(lines, offsetOf(doc, anchors, path), path, said)
    const sound = walk(doc.contents, [], {
      anchors,
      open: new Set(),
      tellAt,
      line: (offset) => lines.linePos(offset).line,
    })
    if (!sound || refused.length > 0) return { tree: null, problems, whole: false, problemAt }
    return { tree: doc.toJS({ maxAliasCount: 100 }), problems, whole: true, problemAt }
  } catch (error) {
    if (error instanceof RangeError) return broken(0, 'expected a configuration, found values nested too deeply')
    if (error instanceof ReferenceError)
      return broken(0, 'expected at most 100 uses of what stands behind aliases, found more')
    return broken(0, 'expected a YAML document, found something that cannot be read')
  }
}

interface Walk {
  anchors: Map<string, Node>
  /** What is being walked, from the whole down to where we are. */
  open: Set<unknown>
  tellAt: (offset: number, path: Path, message: string) => void
  line: (offset: number) => number
}

/** Collects anchors and tells what YAML lets pass and a configuration does not. False when values would be lost or made up. */
function walk(node: unknown, path: Path, visit: Walk): boolean {
  if (isAlias(node)) {
    const known = visit.anchors.get(node.source)
    if (known && !visit.open.has(known)) return true
    const found = known
      ? 'an alias of what it stands in'
      : 'an alias of an anchor that does not exist, put a text that begins with * in quotes'
    visit.tellAt(start(node), path, `expected a value, found ${found}`)
    return false
  }
  if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor) visit.anchors.set(node.anchor, node)
  visit.open.add(node)
  const sound = walkBelow(node, path, visit)
  visit.open.delete(node)
  return sound
}

function walkBelow(node: unknown, path: Path, visit: Walk): boolean {
  if (isSeq(node)) return node.items.map((item, index) => walk(item, [...path, index], visit)).every(Boolean)
  if (!isMap(node)) return true
  const places = new Map<string, number>()
  return node.items.map((pair) => walkPair(pair, path, places, visit)).every(Boolean)
}

function walkPair({ key, value }: Pair, path: Path, places: Map<string, number>, visit: Walk): boolean {
  if (!isScalar(key) || typeof key.value !== 'string') {
    visit.tellAt(start(key), path, 'expected a text as the key, found something else, put it in quotes')
    return false
  }
  const below = [...path, key.value]
  const first = places.get(key.value)
  if (first === undefined) places.set(key.value, start(key))
  else
    visit.tellAt(start(key), below, `expected each key once, found it again, the first is on line ${visit.line(first)}`)
  return walk(value, below, visit)
}

function offsetOf(doc: Document, anchors: ReadonlyMap<string, Node>, path: Path): number {
  let node: unknown = doc.contents
  let offset = start(node)
  for (const segment of path) {
    if (isAlias(node)) node = anchors.get(node.source)
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => isScalar(key) && key.value === segment)
      if (!pair) break
      offset = start(pair.key)
      node = pair.value
    } else if (isSeq(node)) {
      const item = node.items[Number(segment)]
      if (item === undefined) break
      offset = start(item)
      node = item
    } else break
  }
  return offset
}

function start(node: unknown): number {
  const range = (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) && node.range
  return range ? range[0] : 0
}

function problem(lines: LineCounter, offset: number, path: Path, message: string): Problem {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1), path: written(path), message }
}

/** `instances[0].targets[1].max`. A key that is no word is not shown: it may hold what was meant to be a value. */
function written(path: Path): string {
  const segments = path.map((segment) => {
    if (typeof segment === 'number') return `[${segment}]`
    return /^[\w.-]{1,40}$/.test(String(segment)) ? `.${String(segment)}` : '.…'
  })
  return segments.join('').replace(/^\./, '')
}
