/** Text from a terminal or a store on an operator's screen: nothing in it may drive the screen. */
export function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, '\ufffd')
}
