import { existsSync, readFileSync } from 'node:fs'

const folder = new URL('../fixtures/', import.meta.url)

/**
 * What one version answers, such as `fixture('gitea-1.27', 'runner', newest)`; null where that version has no such thing. `like` is the
 * answer of the newest version: older ones may lack some of its fields.
 */
export function fixture<Newest extends object>(version: string, name: string, _like: Newest): Partial<Newest> | null {
  const file = new URL(`${version}/${name}.json`, folder)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Newest>) : null
}

/** A row as a version with this fixture shows it: what it does not know is left out. */
export function shownLike<Row extends object>(shape: Partial<Row>, row: Row): Partial<Row> {
  const known = Object.entries(row).filter(([key]) => key in shape)
  return Object.fromEntries(known) as Partial<Row>
}
