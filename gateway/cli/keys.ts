const CTRL_C = '\x03'

/**
 * Single keys of the terminal, without Return. Raw mode also keeps Ctrl-C from reaching the child
 * processes, so that they can be ended in order. Returns the way to give the terminal back.
 */
export function onKeys(
  actions: Readonly<Record<string, () => void>> & { readonly 'ctrl-c': () => void },
): () => void {
  const { stdin } = process
  const listener = (bytes: Buffer): void => {
    for (const key of bytes.toString('utf8'))
      (key === CTRL_C ? actions['ctrl-c'] : actions[key.toLowerCase()])?.()
  }
  stdin.setRawMode(true)
  stdin.on('data', listener)
  return () => {
    stdin.off('data', listener)
    stdin.setRawMode(false)
    stdin.pause()
  }
}
