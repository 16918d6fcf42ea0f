import { mkdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

/** `sun_path` of unix(7), without its final zero; a longer path would be cut, not refused. */
const SOCKET_PATH_BYTES = 107
/** Longest name of a socket in the directory, with its slash. */
const SOCKET_NAME_BYTES = '/hq/query.sock'.length

export interface InstanceLock {
  release(): Promise<void>
}

/**
 * Holds a directory for this process by a socket in it: whoever can connect to it knows that its
 * owner lives, and a socket left by one that was killed answers nobody. Undefined: taken.
 * @throws RangeError where the path is too long for a socket in it.
 */
export async function lockDirectory(directory: string): Promise<InstanceLock | undefined> {
  const longest = SOCKET_PATH_BYTES - SOCKET_NAME_BYTES
  if (Buffer.byteLength(directory) > longest)
    throw new RangeError(`a directory whose path has at most ${longest} bytes: ${directory}`)
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'start.sock')
  if (await answers(path)) return undefined
  rmSync(path, { force: true })
  const server = createServer(socket => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return { release: () => new Promise(resolve => server.close(() => resolve())) }
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
