import type { Cell, Row, Sql, Work } from './sql.ts'

/** How one property of a row is kept: in which columns, and as what. */
export interface Column<T> {
  names(property: string): readonly string[]
  encode(value: T): readonly Cell[]
  decode(row: Row, names: readonly string[]): T
}

type Scalar = string | number | null

function one<T>(encode: (value: T) => Cell, decode: (cell: Cell | undefined) => T): Column<T> {
  return {
    names: (property) => [snake(property)],
    encode: (value) => [encode(value)],
    decode: (row, [name = '']) => decode(row[name]),
  }
}

/**
 * A text, a number or null, as it is. Rows are written through the same column, so the type that went in is the one that comes out.
 * Numbers are at most 2^53: milliseconds, counts and versions. Ids are text.
 */
export function plain<T extends Scalar>(): Column<T> {
  return one<T>(
    (value) => value,
    (cell) => cell as T,
  )
}

export function flag(): Column<boolean> {
  return one(
    (value) => (value ? 1 : 0),
    (cell) => cell === 1,
  )
}

/** JSON text, written through the same column as it is read. */
export function json<T>(): Column<T> {
  return one<T>(
    (value) => JSON.stringify(value),
    (cell) => JSON.parse(String(cell)) as T,
  )
}

/** A job's round, or null, in two columns: `<property>_id` and `<property>_round`. */
export function roundRef(): Column<{ id: string; round: number } | null> {
  return {
    names: (property) => [`${snake(property)}_id`, `${snake(property)}_round`],
    encode: (value) => (value ? [value.id, value.round] : [null, null]),
    decode(row, [idName = '', roundName = '']) {
      const { [idName]: id, [roundName]: round } = row
      return typeof id === 'string' && typeof round === 'number' ? { id, round } : null
    },
  }
}

function snake(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A column for each property, so that a new property cannot be forgotten. */
export type Columns<T> = { readonly [K in keyof T]-?: Column<T[K]> }

export interface Table<T> {
  read(row: Row): T
  /** Writes the row, whatever was there under its key. */
  put(db: Sql, row: T): Work<number>
}

/** Rows with a version, which is raised with every write. */
export interface VersionedTable<T> extends Table<T> {
  /** Writes the row if what is there still has the row's version (0: nothing is there), and answers whether it did. */
  write(db: Sql, row: T): Work<boolean>
}

/** Append-only rows, with no key but the order in which they came. */
export interface Log<T> {
  read(row: Row): T
  append(db: Sql, row: T): Work<number>
}

export function log<T extends object>(name: string, columns: Columns<T>): Log<T> {
  const { read, cells, insert } = layout(name, [], columns)
  return { read, append: (db, row) => db.run(insert, ...cells(row)) }
}

export function table<T extends object>(
  name: string,
  key: readonly (keyof T & string)[],
  columns: Columns<T>,
): Table<T> {
  const { read, cells, keys, rest, insert } = layout(name, key, columns)
  const put = `${insert} ON CONFLICT (${keys}) DO UPDATE SET ${rest.map((column) => `${column} = excluded.${column}`)}`
  return {
    read,
    put: (db, row) => db.run(put, ...cells(row)),
  }
}

export function versionedTable<T extends { version: number }>(
  name: string,
  key: readonly (keyof T & string)[],
  columns: Columns<T>,
  { revivedWhere }: { revivedWhere?: string } = {},
): VersionedTable<T> {
  const { read, cells, keys, rest, insert, place } = layout(name, key, columns)
  const raised = (row: T) => cells({ ...row, version: row.version + 1 })
  const overwritten = rest.map((column) =>
    column === 'version' ? `version = ${name}.version + 1` : `${column} = excluded.${column}`,
  )
  const put = `${insert} ON CONFLICT (${keys}) DO UPDATE SET ${overwritten}`
  const add = `${insert} ON CONFLICT (${keys}) DO ${revivedWhere ? `UPDATE SET ${overwritten} WHERE ${revivedWhere}` : 'NOTHING'}`
  const same = [...keys.map((column) => `${column} = ${place(column)}`), `version = ${place('version')} - 1`]
  const update = `UPDATE ${name} SET ${rest.map((column) => `${column} = ${place(column)}`)} WHERE ${same.join(' AND ')}`
  return {
    read,
    put: (db, row) => db.run(put, ...raised(row)),
    *write(db, row) {
      return (yield* db.run(row.version === 0 ? add : update, ...raised(row))) === 1
    },
  }
}

function layout<T extends object>(name: string, key: readonly (keyof T & string)[], columns: Columns<T>) {
  const properties = (Object.keys(columns) as (keyof T & string)[]).map((property) => {
    const column = columns[property]
    return { property, column, names: column.names(property) }
  })
  const names = properties.flatMap((property) => property.names)
  const keys = properties.flatMap(({ property, names }) => (key.includes(property) ? names : []))
  /** The place of a column among the cells of a row. */
  const place = (column: string) => `?${names.indexOf(column) + 1}`
  return {
    keys,
    rest: names.filter((column) => !keys.includes(column)),
    place,
    insert: `INSERT INTO ${name} (${names}) VALUES (${names.map(place)})`,
    cells: (row: T): Cell[] => properties.flatMap(({ property, column }) => column.encode(row[property])),
    read(row: Row): T {
      const value: Partial<T> = {}
      for (const { property, column, names } of properties) value[property] = column.decode(row, names)
      return value as T
    },
  }
}
