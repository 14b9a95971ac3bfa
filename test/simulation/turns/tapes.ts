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
  'a slot was freed by the end of a job that another runner had taken': [
    250, 129, 251, 0, 4, 0, 127, 235, 0, 21, 0, 147, 0, 17, 250, 213, 200, 178, 240, 5, 138, 4, 162, 4, 204, 172, 249,
    203, 162, 252, 233, 158, 143, 251, 39, 188, 63, 41, 2, 52, 247, 148, 49, 239, 72, 110, 4, 2, 40, 7, 2, 177, 145,
    246, 7, 249, 172, 5, 189, 242, 106, 5, 3, 3, 81, 247, 231, 6, 152, 160, 252, 85, 210, 111, 115, 179, 7, 239, 224,
    67, 142, 253,
  ],
}
