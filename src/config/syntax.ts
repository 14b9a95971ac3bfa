import type { ErrorCode } from 'yaml'

/** What each complaint of the YAML parser means. Its own words may quote the text, and so a secret. */
const refusals: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'expected a value, found an alias that is none, put a text that begins with * in quotes',
  BAD_DQ_ESCAPE: 'expected a known escape after \\ in double quotes, found another, single quotes keep \\ as it is',
  BAD_INDENT: 'expected the indentation of the lines before, found another',
  BAD_SCALAR_START: 'expected a value, found one that begins with a character that YAML reserves, put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'expected one key on a line, found a second colon, put a text with ": " in it in quotes',
  BLOCK_IN_FLOW: 'expected a comma or a closing bracket, found a list or a mapping over several lines',
  KEY_OVER_1024_CHARS: 'expected a key of at most 1024 characters, found a longer one',
  MISSING_CHAR: 'expected another character, found that a quote, a bracket, a comma or a colon is missing',
  MULTILINE_IMPLICIT_KEY: 'expected "key: value", found a line without a colon',
  MULTIPLE_DOCS: 'expected one YAML document, found another one after ---',
  TAB_AS_INDENT: 'expected spaces as indentation, found a tab',
  TAG_RESOLVE_FAILED: 'expected a plain value, found a tag, put a text that begins with ! in quotes',
  RESOURCE_EXHAUSTION: 'expected a configuration, found values nested too deeply',
}

export function syntaxRefusal(code: ErrorCode): string {
  return refusals[code] ?? 'expected YAML, found something else'
}
