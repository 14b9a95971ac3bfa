import type { Cell, Row } from './sql.ts'

/** Epoch milliseconds, or null where there is no such moment. */
export function moment(cell: Cell | undefined): number | null {
  return typeof cell === 'number' ? cell : null
}

/** The `number` that a counting statement answered. */
export function count(row: Row | undefined): number {
  return Number(row?.number ?? 0)
}
