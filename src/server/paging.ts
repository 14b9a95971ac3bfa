import { z } from '@hono/zod-openapi'
import { BadCursor } from '../store/store.ts'

/** What every list takes. A key that a list does not know is refused: a misspelt filter would otherwise answer with everything. */
export const paging = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .default(100)
    .openapi({ examples: [100] }),
  cursor: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe('The `next` of the page before, as it is; leave it out for the first page')
    .openapi({ examples: ['MTIz'] }),
}

/** What every list answers with: a page, and the cursor of the next one, or null at the end. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() })
}

/** A page of a list that is held in memory. The cursor is the key of the last item that was given; throws `BadCursor` for any other text. */
export function paged<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit, cursor }: { limit: number; cursor?: string },
): { items: T[]; next: string | null } {
  const begin = cursor === undefined ? 0 : all.findIndex((item) => keyOf(item) === cursor) + 1
  if (cursor !== undefined && begin === 0)
    throw new BadCursor('this is no cursor of this list, or what it stood for is gone')
  const items = all.slice(begin, begin + limit)
  const last = items.at(-1)
  return { items, next: last !== undefined && begin + limit < all.length ? keyOf(last) : null }
}
