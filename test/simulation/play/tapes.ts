/** Tapes that once broke a promise, shrunk, in base64; what was wrong is told by their titles. `npm run sim -- --tape …` tells the story of one. */
export const brokenOnce: Readonly<Record<string, string>> = {
  'a wall clock that was set back by a day stopped the looks, and with them everything': '',
}
