/** Tapes that once broke a promise, shrunk; what was wrong is told by their titles. */
export const brokenOnce: Readonly<Record<string, readonly number[]>> = {
  'a runner of another name had taken the job, and the one on its way for it was no longer believed in': [
    0, 0, 116, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 120, 0, 0, 37, 173, 0, 0, 207, 0, 0, 0, 0, 2, 0, 0, 127, 0, 0,
  ],
  'a job that had ended while its credential was asked for was given a runner': [
    0, 0, 185, 0, 0, 0, 0, 0, 0, 0, 0, 143, 86, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 144, 0, 0, 0, 0, 18, 0, 0, 185, 234, 0,
    241, 0, 0, 0, 155,
  ],
  'a runner that had ended stood for min_idle until the next look, which never came': [
    0, 0, 0, 0, 0, 0, 63, 0, 196, 77, 0, 101, 0, 0, 0, 0, 0, 159, 0, 0, 0, 0, 0, 0, 0, 0, 0, 71, 0, 125, 0, 0, 0, 101,
  ],
}
