/** Tapes that once broke a promise, shrunk; what was wrong is told by their titles. */
export const brokenOnce: Readonly<Record<string, readonly number[]>> = {
  'a dispatch was asked again after its slot was freed, and its runner was counted by nobody': [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 85, 0, 0, 0, 0, 0, 0, 183, 0, 0, 0, 19, 0, 0, 1,
  ],
  'a runner that had ended stood for min_idle until the next look, which never came': [
    0, 0, 0, 16, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 183, 0, 0, 0, 0, 171,
  ],
  'the slow answer of a dispatcher that does not block was taken for the end of its runner': [
    0, 0, 0, 229, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 110, 0, 179, 167, 141, 255, 27,
    248, 242, 142, 123,
  ],
  'a stranger was taken for a runner whose name was known, and max was passed when it went': [
    0, 189, 0, 43, 0, 0, 0, 0, 0, 0, 9, 93, 144, 96, 98, 147, 20, 154, 218, 128, 89, 93, 177, 115, 114, 212, 190, 215,
    65, 163, 16, 142, 194, 8, 0, 125, 71, 162, 153, 101, 25, 216, 210, 220, 40, 86, 5, 82, 212, 78, 40, 108, 254, 118,
    179,
  ],
  'an open breaker of a dispatcher that blocks let one runner through for each ttl, and a turn for each second': [
    0, 3, 0, 137, 67, 31, 0, 0, 247, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0, 193, 0, 133,
  ],
  'a job that ended while a credential was asked for was sent all the same': [
    21, 0, 0, 76, 19, 193, 216, 187, 172, 176, 94, 15, 238, 86, 21, 195, 65, 207, 164, 110, 35, 170, 25, 109, 25, 32,
    118, 64, 90, 225, 250, 167, 252, 90, 98, 101, 9, 85, 131, 151, 44, 65, 113, 154, 35, 140, 165, 33, 55, 137, 48, 52,
    255, 244, 133, 23, 99, 193, 38, 128, 143, 139, 186, 88, 153, 113, 127, 191, 150, 0, 221, 62, 18, 54, 31, 90, 98,
    194, 212, 194, 161, 217, 254, 248, 178, 219, 93, 139, 104, 117, 1, 69, 204, 5, 68, 137, 180, 48, 164, 123, 213, 45,
    244, 58, 198, 103, 229, 120, 19, 49, 53, 13, 192, 82, 70, 117, 239, 107, 33, 167, 131, 183, 158, 52, 138, 68, 187,
    217, 183, 255, 34, 45, 186, 95, 218, 89, 239, 189, 96, 12, 159, 28, 121, 151, 92, 180, 179, 23, 120, 111,
  ],
}
