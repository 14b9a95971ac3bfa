/** Names, labels and errors are anyone's to choose: none may move the cursor, clear the screen or turn the text around. */
export function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}
