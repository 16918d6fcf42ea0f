import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Under its name there is all of it or, after a power cut, what was there before. */
export async function writeDurably(
  path: string,
  content: { readonly text: string; readonly mode: number },
): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  const written = await open(draft, 'wx', content.mode)
  try {
    await written.writeFile(content.text)
    await written.sync()
  } finally {
    await written.close()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
}

/** What was made, renamed or removed in a directory survives a power cut when this resolves. */
export async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
