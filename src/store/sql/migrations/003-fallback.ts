/** Why a dispatch is not at the first dispatcher of its target. */
export const fallback = `
  ALTER TABLE dispatches ADD COLUMN instead TEXT;
`
