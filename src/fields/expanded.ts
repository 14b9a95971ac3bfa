/**
 * A text with each `${VAR}` replaced by the variable's value. `$${` stands for a literal `${`; any other `$` stays as it is,
 * so that a password with dollars in it needs no care. A variable that is not set or empty is a problem (told without the text).
 */
export function expanded(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  encode: (value: string) => string = (value) => value,
): { text: string } | { problem: string } {
  const problems: string[] = []
  const result = text.replaceAll(/\$?\$\{([^}]*)(\}?)/g, (whole, name: string, end: string) => {
    if (whole.startsWith('$$')) return whole.slice(1)
    if (!end || !/^[A-Za-z_]\w*$/.test(name)) {
      problems.push(`found "\${" that begins no \${VARIABLE}, write $\${ where it is meant literally`)
      return ''
    }
    const value = environment[name]
    if (!value)
      problems.push(
        `found \${${shownVariable(name)}}, which is ${value === '' ? 'empty' : 'not set'} in the environment`,
      )
    return encode(value ?? '')
  })
  const [problem] = problems
  return problem === undefined ? { text: result } : { problem }
}

/** The name of an environment variable, unless it looks like a value that was put in its place. */
export function shownVariable(name: string): string {
  return /^[A-Z_][A-Z0-9_]{0,39}$/.test(name) ? name : '…'
}
